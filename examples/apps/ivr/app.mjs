// ivr: a menu of menus, from a table. See README.md; app.py does the same.
//
// Who knows the way presses ahead, and hears no prompt at all.

import { NotAnswered, run } from 'arion';

import { isMain } from '../lib/main.mjs';

const TRIES = 3;
const RING_S = 20;
const BACK = '*';

// A key leads to another menu, to a sound, or to a phone.
export const MAIN = {
  prompt: 'sound:vm-options',
  choices: {
    1: 'sound:hello-world',
    2: {
      prompt: 'sound:vm-advopts',
      choices: { 1: 'sound:vm-changeto', 2: 'sound:vm-instructions' },
    },
    0: 'PJSIP/bob',
  },
};

// Make the handler of calls.
export function ivr(menu = MAIN) {
  return (channel) => walk(channel, menu);
}

async function walk(channel, menu) {
  await channel.answer();
  const path = [menu];
  let tries = 0;
  while (tries < TRIES) {
    const { prompt, choices } = path.at(-1);
    const key = await channel.ask(prompt);
    const choice = choices[key];
    if (key === BACK && path.length > 1) {
      path.pop();
    } else if (choice === undefined) {
      tries += 1;
      await channel.say('sound:pbx-invalid');
      continue;
    } else if (choice.prompt) {
      path.push(choice);
    } else if (choice.startsWith('sound:')) {
      await channel.say(choice);
    } else if (await connect(channel, choice)) {
      return;
    }
    tries = 0;
  }
  await channel.say('sound:vm-goodbye');
  await channel.hangup();
}

// Let the caller talk to somebody; false if nobody is there.
async function connect(caller, endpoint) {
  await caller.ring();
  let called;
  try {
    called = await caller.client.dial(endpoint, { caller, timeout: RING_S });
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    await caller.ringStop();
    await caller.say('sound:vm-nobodyavail');
    return false;
  }
  const bridge = await caller.client.bridge();
  try {
    await caller.ringStop();
    await bridge.add([caller, called]);
    await caller.client.firstGone([caller, called]);
  } finally {
    await Promise.all([bridge.destroy(), caller.hangup(), called.hangup()]);
  }
  return true;
}

if (isMain(import.meta.url)) await run('ivr', ivr());
