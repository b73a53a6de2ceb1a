// ivr: a menu of menus, from a table. See README.md; app.py does the same.
//
// Who knows the way presses ahead, and hears no prompt at all.

import { ChannelGone, WaitTimeout } from 'arion';

import { runIfMain } from '../lib/run.mjs';

const TRIES = 3;
const RING_S = 20;
const BACK = '*';
const DIALLED = 'dialled'; // marks the channel of whom connect() called

// A key leads to another menu, to a sound, or to a phone.
const MAIN = {
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
export function ivr(client) {
  return async (channel, [mark]) => {
    if (mark !== DIALLED) await walk(client, channel);
  };
}

async function walk(client, channel) {
  await channel.answer();
  const path = [MAIN];
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
    } else if (await connect(client, channel, choice)) {
      return;
    }
    tries = 0;
  }
  await channel.say('sound:vm-goodbye');
  await channel.hangup();
}

// Let the caller talk to somebody; false if nobody is there.
async function connect(client, caller, endpoint) {
  await caller.ring();
  const called = await client.channels.originate({
    endpoint,
    app: 'ivr',
    appArgs: DIALLED,
    timeout: RING_S,
    originator: caller.id,
  });
  try {
    const answer = called.waitFor('StasisStart', { timeoutMs: (RING_S + 5) * 1000 });
    await Promise.race([answer, caller.gone()]);
  } catch (error) {
    if (!(error instanceof ChannelGone || error instanceof WaitTimeout)) throw error;
    await caller.ringStop();
    await caller.say('sound:vm-nobodyavail');
    return false;
  }
  const bridge = await client.bridge();
  try {
    await caller.ringStop();
    await bridge.add([caller, called]);
    await Promise.race([caller.gone(), called.gone()]);
  } finally {
    await Promise.all([bridge.destroy(), caller.hangup(), called.hangup()]);
  }
  return true;
}

await runIfMain(import.meta.url, 'ivr', ivr);
