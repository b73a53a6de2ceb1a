/** What becomes of a call whose worker is gone, unless the program says otherwise. */

import type { CallHandler } from '../client.js';
import { Conflict, NotFound } from '../errors.js';
import type { Bridge, StasisReoffered } from '../types.js';
import { DIALLED } from './known.js';

/** Let those who talk go on, hang up a phone that was being called, or begin anew. */
export async function takeOver(event: StasisReoffered, handler: CallHandler): Promise<void> {
  const { channel } = event;
  const [bridge] = event.bridges;
  if (bridge && bridge.channels.length > 1) {
    await channel.waitGone();
    await endIfAlone(bridge);
  } else if (channel.id.startsWith(DIALLED)) {
    await channel.hangup();
  } else {
    await tidy(event);
    await handler(channel, event.args);
  }
}

/** Nobody is left who would end a bridge, and the call of the last one in it. */
async function endIfAlone(bridge: Bridge): Promise<void> {
  const left = (await bridge.refresh()).channels;
  if (left.length > 1) return;
  for (const id of left) await bridge.client.channels.hangup(id);
  await bridge.destroy();
}

/** Stop what the former worker began. */
async function tidy(event: StasisReoffered): Promise<void> {
  for (const recording of event.recordings) {
    await recording.stop().catch((error: unknown) => {
      // It has just ended.
      if (!(error instanceof Conflict || error instanceof NotFound)) throw error;
    });
  }
  for (const playback of event.playbacks) await playback.stop();
  await event.channel.stopMoh();
  for (const bridge of event.bridges) await bridge.destroy();
}
