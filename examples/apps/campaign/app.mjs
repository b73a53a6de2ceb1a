// campaign: calls a list of numbers, and tells people from answering machines. See README.md;
// app.py does the same.

import { randomUUID } from 'node:crypto';

import { ApiError, ChannelGone, Client, NotAnswered } from 'arion';

import { isMain } from '../lib/main.mjs';

const APP = 'campaign';
const AT_ONCE = 5;
const RING_S = 25;
const GREETING_S = 10; // to listen at most
const PAUSE_S = 1; // silence that ends a greeting
const LONGEST_HELLO_S = 3; // a greeting that goes on longer is a machine's

// Tell by the length of the greeting: people say hello, machines talk on.
//
// This is the hook: anything that listens to the channel can stand here.
export async function isMachine(channel, { longestHelloS = LONGEST_HELLO_S } = {}) {
  const greeting = await channel.record(`campaign/${randomUUID()}`, {
    maxDurationSeconds: GREETING_S,
    maxSilenceSeconds: PAUSE_S,
  });
  const ended = await greeting.finished({ timeoutMs: (GREETING_S + 5) * 1000 });
  await (await ended.stored()).delete();
  return (ended.duration ?? 0) - PAUSE_S > longestHelloS;
}

// Call everybody on a list, a few at a time; return how each call went.
export async function campaign(client, endpoints, { detect = isMachine, atOnce = AT_ONCE } = {}) {
  const outcomes = new Map(endpoints.map((endpoint) => [endpoint, undefined]));
  const left = outcomes.keys();
  const callInTurn = async () => {
    for (const endpoint of left) outcomes.set(endpoint, await call(client, endpoint, detect));
  };
  await Promise.all(Array.from({ length: atOnce }, callInTurn));
  return Object.fromEntries(outcomes);
}

// Call one.
export async function call(client, endpoint, detect = isMachine) {
  let channel;
  try {
    channel = await client.dial(endpoint, { app: APP, timeout: RING_S });
  } catch (error) {
    if (!(error instanceof NotAnswered || error instanceof ApiError)) throw error;
    return 'not answered';
  }
  try {
    if (await detect(channel)) return 'machine';
    if ((await channel.ask('sound:vm-tocallback')) === '1') {
      await channel.say('sound:auth-thankyou');
      return 'accepted';
    }
  } catch (error) {
    // Hung up on us: was told what there was time for.
    if (!(error instanceof ChannelGone)) throw error;
  } finally {
    await channel.hangup();
  }
  return 'told';
}

if (isMain(import.meta.url)) {
  const client = new Client();
  await client.events(APP).open();
  const outcomes = await campaign(client, process.argv.slice(2));
  for (const [endpoint, outcome] of Object.entries(outcomes)) console.log(`${endpoint}\t${outcome}`);
  client.close();
}
