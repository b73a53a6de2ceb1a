// conference: all callers meet in one bridge, with tones when somebody comes or goes. See
// README.md; app.py does the same.

import { forEachCall, runApp } from '../lib/ari.mjs';

const APP = 'conference';
const BRIDGE = 'conference';

const members = new Set(); // ids of the channels in the bridge
let created; // the promise of the bridge, while it exists

async function announce(ari, media) {
  await ari.post(`/bridges/${BRIDGE}/play`, { media }).catch((error) => console.error(error.message));
}

async function join(ari, { id }) {
  members.add(id);
  created ??= ari.post('/bridges', { type: 'mixing', bridgeId: BRIDGE, name: BRIDGE });
  await created;
  await ari.post(`/channels/${id}/answer`);
  await ari.post(`/bridges/${BRIDGE}/addChannel`, { channel: id });
  console.log(`${APP}: ${id} joined, ${members.size} inside`);
  await announce(ari, members.size > 1 ? 'sound:confbridge-join' : 'sound:conf-onlyperson');
}

async function leave(ari, { id }) {
  if (!members.delete(id)) return;
  console.log(`${APP}: ${id} left, ${members.size} inside`);
  if (members.size > 0) {
    await announce(ari, 'sound:confbridge-leave');
  } else {
    created = undefined;
    await ari.delete(`/bridges/${BRIDGE}`);
  }
}

runApp(APP, (ari) => {
  ari.on('StasisStart', forEachCall(({ channel }) => join(ari, channel)));
  ari.on('StasisEnd', forEachCall(({ channel }) => leave(ari, channel)));
});
