// followme: finds somebody at one of several phones. See README.md; app.py does the same.

import { ChannelGone, NotAnswered, run } from 'arion';

import { isMain } from '../lib/main.mjs';

const RING_S = 15;
const ACCEPT = '1';

// Handle one call. Stasis(followme,PJSIP/bob,PJSIP/carol&PJSIP/alice) rings one phone, then two at
// once.
export async function followme(caller, args) {
  await caller.answer();
  await caller.ring();
  for (const places of args) {
    const called = await find(caller, places.split('&'));
    if (!called) continue;
    await caller.ringStop();
    await connect(caller, called);
    return;
  }
  await caller.ringStop();
  await caller.say('sound:vm-nobodyavail');
  await caller.hangup();
}

// Ring several phones at once; return the first one whose owner accepts.
async function find(caller, places) {
  const stopping = new AbortController();
  const offers = places.map(async (place) => {
    const channel = await offer(caller, place, stopping.signal);
    if (!channel) throw new Error(`${place} does not take the call`);
    return channel;
  });
  try {
    return await Promise.any(offers);
  } catch ({ errors }) {
    const failure = errors.find((error) => error instanceof ChannelGone);
    if (failure) throw failure; // the caller gave up
    return undefined;
  } finally {
    stopping.abort();
  }
}

// Ring one phone, and ask: a mailbox that answers presses no key.
async function offer(caller, place, signal) {
  let channel;
  try {
    channel = await caller.client.dial(place, { caller, timeout: RING_S, signal });
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    console.log(`followme: ${place}: ${error.message}`);
    return undefined;
  }
  const hangUp = () => channel.hangup();
  signal.addEventListener('abort', hangUp);
  try {
    if ((await channel.ask('sound:followme/options')) === ACCEPT) return channel;
    await hangUp();
  } catch (error) {
    if (!(error instanceof ChannelGone)) throw error;
    console.log(`followme: ${place} hung up`);
  } finally {
    signal.removeEventListener('abort', hangUp);
  }
  return undefined;
}

// Bridge the two until one of them hangs up.
async function connect(caller, called) {
  const bridge = await caller.client.bridge();
  try {
    await bridge.add([caller, called]);
    await caller.client.firstGone([caller, called]);
  } finally {
    await Promise.all([bridge.destroy(), called.hangup(), caller.hangup()]);
  }
}

if (isMain(import.meta.url)) await run('followme', followme);
