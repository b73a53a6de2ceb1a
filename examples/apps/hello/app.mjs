// hello: answers, greets, and offers a menu by DTMF. See README.md; app.py does the same.

import { randomUUID } from 'node:crypto';

import { run } from 'arion';

import { isMain } from '../lib/main.mjs';

const MENU = ['sound:vm-press', 'digits:1', 'digits:2', 'digits:3'];
const MENU_WAIT_MS = 8000; // for a key, when the menu has been played
const MENU_TRIES = 3;

// Handle one call.
export async function hello(channel, args) {
  if (args[0] !== 'menu') {
    // The dialplan hands it back with that after an echo.
    await channel.answer();
    await channel.say('sound:hello-world');
  }
  for (let tries = 0; tries < MENU_TRIES; tries += 1) {
    const key = await channel.ask(MENU, { firstMs: MENU_WAIT_MS });
    if (!key) continue;
    tries = -1;
    console.log(`hello: ${channel.id} pressed ${key}`);
    if (key === '1') {
      await channel.continueInDialplan({ context: 'demo', extension: 'echo', priority: 1 });
      return;
    }
    if (key === '2') await takeMessage(channel);
    else if (key === '3') await playMusic(channel);
    else if (key === '#') break;
    else await channel.say('sound:pbx-invalid');
  }
  await channel.say('sound:vm-goodbye');
  await channel.hangup();
}

// Record until # or a silence, then play what was recorded.
async function takeMessage(channel) {
  await channel.say('sound:vm-intro');
  const recording = await channel.record(`hello-${randomUUID()}`, {
    maxDurationSeconds: 60,
    maxSilenceSeconds: 4,
    beep: true,
    terminateOn: '#',
  });
  await recording.finished();
  await channel.forgetDigits(); // the # that ended the recording is no answer to the menu
  await channel.say(['sound:vm-msgsaved', `recording:${recording.name}`]);
}

// Play music until a key is pressed.
async function playMusic(channel) {
  await channel.startMoh();
  await channel.digit();
  await channel.stopMoh();
}

if (isMain(import.meta.url)) await run('hello', hello);
