// callbridge: rings a second phone, with music for the caller, and bridges both. See README.md;
// app.py does the same.

import { randomUUID } from 'node:crypto';

import { forEachCall, HungUp, runApp } from '../lib/ari.mjs';

const APP = 'callbridge';
const RING_S = 30;

// Ring the endpoint; return the channel's id once it is answered, undefined if it never is.
async function ring(ari, caller, endpoint) {
  const id = randomUUID();
  const answered = ari.next(id, (e) => e.type === 'StasisStart' && e.channel.id === id);
  await ari.post('/channels', {
    endpoint,
    app: APP,
    appArgs: 'dialed',
    channelId: id,
    originator: caller.id,
    callerId: `${caller.caller.name} <${caller.caller.number}>`,
    timeout: RING_S,
  });
  const callerLeft = whenGone(ari, caller.id);
  try {
    await Promise.race([answered, callerLeft.then(() => Promise.reject(new HungUp()))]);
    return id;
  } catch (error) {
    if (!(error instanceof HungUp)) throw error;
    await hangUp(ari, id);
    return undefined;
  }
}

async function bridge(ari, callerId, calledId) {
  const bridgeId = randomUUID();
  await ari.post('/bridges', { type: 'mixing', bridgeId });
  try {
    const over = Promise.race([whenGone(ari, callerId), whenGone(ari, calledId)]);
    await ari.post(`/bridges/${bridgeId}/addChannel`, { channel: `${callerId},${calledId}` });
    console.log(`${APP}: ${callerId} talks to ${calledId}`);
    await over;
  } finally {
    await ari.delete(`/bridges/${bridgeId}`);
  }
}

// Resolve when a channel has left the application.
function whenGone(ari, id) {
  return ari.next(id, () => false).catch(() => {});
}

async function hangUp(ari, ...ids) {
  for (const id of ids) {
    await ari.delete(`/channels/${id}`).catch((error) => {
      if (!(error instanceof HungUp)) throw error;
    });
  }
}

async function sayNobodyIsThere(ari, id) {
  const playback = randomUUID();
  const finished = ari.next(
    id,
    (e) => e.type === 'PlaybackFinished' && e.playback.id === playback,
  );
  await ari.post(`/channels/${id}/play/${playback}`, { media: 'sound:vm-nobodyavail' });
  await finished;
}

runApp(APP, (ari) => {
  ari.on(
    'StasisStart',
    forEachCall(async ({ channel, args }) => {
      const [endpoint] = args;
      if (endpoint === 'dialed') return; // ring() waits for this one
      await ari.post(`/channels/${channel.id}/answer`);
      await ari.post(`/channels/${channel.id}/moh`);
      const called = await ring(ari, channel, endpoint).catch((error) => {
        console.error(`${APP}: ${endpoint}: ${error.message}`);
      });
      await ari.delete(`/channels/${channel.id}/moh`);
      if (called === undefined) {
        await sayNobodyIsThere(ari, channel.id);
        await hangUp(ari, channel.id);
        return;
      }
      await bridge(ari, channel.id, called);
      await hangUp(ari, channel.id, called);
    }),
  );
});
