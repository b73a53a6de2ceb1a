// recording: records a call between two, and pauses at the press of *. See README.md; app.py does
// the same.

import { NotAnswered, run } from 'arion';

import { isMain } from '../lib/main.mjs';

const PAUSE = '*';
const END_MS = 10_000; // for the file to be complete

// Handle one call; Stasis(recording,PJSIP/bob) says whom to ring.
export async function recording(caller, [endpoint]) {
  await caller.answer();
  let called;
  try {
    called = await caller.client.dial(endpoint, { caller });
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    await caller.say('sound:vm-nobodyavail');
    await caller.hangup();
    return;
  }
  const bridge = await caller.client.bridge();
  try {
    await bridge.add([caller, called]);
    const made = await bridge.record(`calls/${Date.now()}`);
    console.log(`recording ${made.name}`);
    await Promise.race([follow(caller, made), caller.client.firstGone([caller, called])]);
    await made.stop();
    await made.finished({ timeoutMs: END_MS });
  } finally {
    await Promise.all([bridge.destroy(), called.hangup(), caller.hangup()]);
  }
}

// Pause and go on as the caller wishes, say while a card number is told.
async function follow(caller, made) {
  let isPaused = false;
  for await (const { digit } of caller.events('ChannelDtmfReceived')) {
    if (digit !== PAUSE) continue;
    await (isPaused ? made.unpause() : made.pause());
    isPaused = !isPaused;
    console.log(`${made.name} is ${isPaused ? 'paused' : 'going on'}`);
  }
}

if (isMain(import.meta.url)) await run('recording', recording);
