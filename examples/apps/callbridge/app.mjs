// callbridge: rings a second phone, with music for the caller, and bridges both. See README.md;
// app.py does the same.

import { BadRequest, NotAnswered, run, ServerFailed } from 'arion';

import { isMain } from '../lib/main.mjs';

const RING_S = 30;

// Handle one call; Stasis(callbridge,PJSIP/bob) says whom to ring.
export async function callbridge(caller, [endpoint]) {
  await caller.answer();
  await caller.startMoh();
  let called;
  try {
    called = await caller.client.dial(endpoint, { caller, timeout: RING_S });
  } catch (error) {
    if (![NotAnswered, BadRequest, ServerFailed].some((kind) => error instanceof kind)) throw error;
    console.log(`callbridge: ${endpoint}: ${error.message}`);
    await caller.stopMoh();
    await caller.say('sound:vm-nobodyavail');
    await caller.hangup();
    return;
  }
  await caller.stopMoh();
  await connect(caller, called);
}

// Bridge the two until one of them hangs up.
async function connect(caller, called) {
  const bridge = await caller.client.bridge();
  try {
    await bridge.add([caller, called]);
    console.log(`callbridge: ${caller.id} talks to ${called.id}`);
    await caller.client.firstGone([caller, called]);
  } finally {
    await Promise.all([bridge.destroy(), called.hangup(), caller.hangup()]);
  }
}

if (isMain(import.meta.url)) await run('callbridge', callbridge);
