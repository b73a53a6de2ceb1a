// clicktocall: a web page asks for two people to be connected. See README.md; app.py does the same.
//
// curl -X POST 'http://127.0.0.1:8090/call?from=PJSIP/alice&to=PJSIP/bob'

import { once } from 'node:events';
import { createServer } from 'node:http';

import { ApiError, Client, NotAnswered, run } from 'arion';

import { isMain } from '../lib/main.mjs';

const APP = 'clicktocall';
const PORT = 8090;

// Make the web server.
export function clickServer(client) {
  return createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const [first, second] = [searchParams.get('from'), searchParams.get('to')];
    let status = 202;
    if (request.method !== 'POST' || pathname !== '/call') status = 404;
    else if (!first || !second) status = 400;
    response.writeHead(status).end();
    if (status === 202) connect(client, first, second).catch((error) => console.error(error));
  });
}

// Connect two endpoints until one hangs up.
export async function connect(client, first, second) {
  let one;
  try {
    one = await client.dial(first, { app: APP, callerId: `<${second.split('/').at(-1)}>` });
  } catch (error) {
    if (!(error instanceof NotAnswered || error instanceof ApiError)) throw error;
    console.log(`${first}: ${error.message}`);
    return;
  }
  await one.ring();
  let other;
  try {
    other = await client.dial(second, { app: APP, caller: one });
  } catch (error) {
    if (!(error instanceof NotAnswered)) throw error;
    await one.ringStop();
    await one.say('sound:vm-nobodyavail');
    await one.hangup();
    return;
  }
  await one.ringStop();
  const bridge = await client.bridge();
  try {
    await bridge.add([one, other]);
    await client.firstGone([one, other]);
  } finally {
    await Promise.all([bridge.destroy(), one.hangup(), other.hangup()]);
  }
}

// Turn away who dials the application itself.
export async function nobodyCalls(channel) {
  await channel.hangup('congestion');
}

if (isMain(import.meta.url)) {
  const client = new Client();
  const web = clickServer(client).listen(Number(process.env.PORT ?? PORT), '127.0.0.1');
  await once(web, 'listening');
  await run(APP, nobodyCalls, { client });
  web.close();
}
