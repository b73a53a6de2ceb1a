// The same as plain.py.

import assert from 'node:assert/strict';

import { Client } from 'arion';

const [, , app] = process.argv;
const ECHO = 'Local/601@phones';

async function handle(channel) {
  const { client } = channel;
  await channel.answer();
  await channel.setVariable('COLOUR', 'red');
  assert.equal(await channel.getVariable('COLOUR'), 'red');
  await channel.say('sound:hello-world', { lang: 'en' });
  assert.equal(await channel.ask('sound:hello-world', { most: 2, end: '#', firstMs: 50 }), '');
  const options = { maxDurationSeconds: 1, ifExists: 'overwrite' };
  await (await channel.record(app, options)).finished();
  await (await client.recordings.getStored(app)).delete();
  await channel.startMoh('default');
  await channel.stopMoh();
  const change = () => channel.setVariable('COLOUR', 'blue');
  await channel.expect('ChannelVarset', change, { timeoutMs: 5000 });
  const how = { caller: channel, variables: { A: 'b' }, timeout: 10 };
  const called = await client.dial(ECHO, how);
  const bridge = await client.bridge({ name: 'plain' });
  await bridge.add([channel, called]);
  await bridge.say('sound:hello-world');
  await called.hangup();
  assert.equal((await client.firstGone([channel, called])).id, called.id);
  await bridge.destroy();
  await channel.hangup('normal');
  await channel.waitGone();
}

const client = new Client();
const done = new Promise((resolve, reject) => {
  client.run(app, (channel) => handle(channel).then(resolve, reject)).catch(reject);
});
const isThere = async () => (await client.applications.list()).some(({ name }) => name === app);
while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 20));
await client.channels.originate({ endpoint: ECHO, app, appArgs: 'a,b' });
await done;
client.close();
