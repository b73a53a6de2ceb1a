// voicemail: takes a message to a file, and plays messages to their owner. See README.md; app.py
// does the same.

import { run } from 'arion';

import { isMain } from '../lib/main.mjs';

const LONGEST_S = 120;
const SILENCE_S = 4;
const DELETE = '7';
const AGAIN = '5';

// Handle one call: Stasis(voicemail,BOX) takes a message, Stasis(voicemail,BOX,owner) plays them.
export async function voicemail(channel, [box, role]) {
  await channel.answer();
  if (role === 'owner') await playMessages(channel, box);
  else await takeMessage(channel, box);
  await channel.say('sound:vm-goodbye');
  await channel.hangup();
}

// Record until #, a silence, or the caller hangs up: the file is kept in any case.
async function takeMessage(channel, box) {
  await channel.say('sound:vm-intro');
  const name = `voicemail/${box}/${Date.now()}`;
  const recording = await channel.record(name, {
    maxDurationSeconds: LONGEST_S,
    maxSilenceSeconds: SILENCE_S,
    beep: true,
    terminateOn: '#',
  });
  await recording.finished();
  console.log(`a message for ${box}: ${name}`);
  await channel.say('sound:vm-msgsaved');
}

// Play the messages of a box, the oldest first.
async function playMessages(channel, box) {
  const stored = await channel.client.recordings.listStored();
  const messages = stored.filter(({ name }) => name.startsWith(`voicemail/${box}/`));
  if (!messages.length) await channel.say('sound:vm-nomore');
  for (const message of messages.sort((one, other) => one.name.localeCompare(other.name))) {
    let key;
    do key = await channel.ask(`recording:${message.name}`);
    while (key === AGAIN);
    if (key !== DELETE) continue;
    await message.delete();
    await channel.say('sound:vm-deleted');
  }
}

if (isMain(import.meta.url)) await run('voicemail', voicemail);
