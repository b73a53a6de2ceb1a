// The test kit as users use it: applications of their own and the hello example, by phone.
//
// ARION_PYTHON is a Python that finds the package arion by PYTHONPATH; HELLO is the example's
// program.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import { CallFailed, NotHeard, startServer, TestKitError, TestKitMissing } from 'arion/testing';

const PROMPTS = ['hello-world', 'vm-press', 'vm-goodbye', 'digits/1', 'digits/2', 'digits/3'];
let server;
let alice;
let bob;

before(async () => {
  const dialplan = { 1000: 'Stasis(hello)', 1001: 'Stasis(mine)' };
  server = await startServer({ dialplan, prompts: PROMPTS, phones: ['alice', 'bob'] });
  [alice, bob] = await Promise.all([server.phone('alice'), server.phone('bob')]);
});

after(async () => {
  await server.close();
  assert.equal(existsSync(server.folder), false);
  await assert.rejects(alice.call('1000'), TestKitError);
});

test('the hello example greets and says goodbye', async () => {
  const env = { ...process.env, ...server.environment };
  const app = spawn(process.execPath, [process.env.HELLO], { env, stdio: 'ignore' });
  const ended = once(app, 'exit');
  try {
    await server.registered('hello');
    await alice.call('1000');
    await alice.hears('hello-world');
    await alice.hears('vm-press');
    await alice.press('#');
    await alice.hears('vm-goodbye');
    await alice.hearsHangup();
  } finally {
    app.kill();
    await ended;
  }
});

test('an application of the test hears what is pressed', async () => {
  const keys = [];
  const app = await server.run('mine', async (channel) => {
    await channel.answer();
    while (keys.length < 3) keys.push(await channel.digit({ timeoutMs: 5000 }));
    await channel.say('sound:hello-world');
    await channel.waitGone();
  });
  await alice.call('1001');
  await alice.press('12#');
  await alice.hears('hello-world');
  await alice.hearsSilence();
  await alice.hangUp();
  await app.close();
  assert.deepEqual(keys, ['1', '2', '#']);
});

test('what an application throws fails its test', async () => {
  const app = await server.run('mine', async () => {
    throw new RangeError('a bug');
  });
  app.client.logger.error = () => {};
  await assert.rejects(alice.call('1001'), CallFailed);
  await assert.rejects(app.close(), RangeError);
});

test('phones call each other, and refuse', async () => {
  const calling = alice.call('bob');
  await bob.rings();
  await bob.answer();
  await calling;
  await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
  await bob.hangUp();
  await alice.hearsHangup();
  const refused = assert.rejects(alice.call('bob'), (error) => {
    assert.ok(error instanceof CallFailed);
    return error.status === 486;
  });
  await bob.rings();
  await bob.reject();
  await refused;
});

test('waiting has an end', async () => {
  await assert.rejects(bob.rings({ timeoutMs: 30 }), NotHeard);
  await assert.rejects(server.registered('nobody', { timeoutMs: 30 }), TestKitError);
  await assert.rejects(server.phone('nobody'), TestKitError);
});

test('no server outlives the program that started it', async () => {
  const program = (last) =>
    `import { startServer } from 'arion/testing';
     console.log((await startServer()).folder);
     ${last}`;
  const start = (last) =>
    spawn(process.execPath, ['--input-type=module', '-e', program(last)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const killed = start('setInterval(() => {}, 1000)');
  const forgetful = start('');
  const folders = await Promise.all(
    [killed, forgetful].map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
  );
  killed.kill('SIGKILL');
  const [code] = forgetful.exitCode === null ? await once(forgetful, 'exit') : [forgetful.exitCode];
  assert.equal(code, 0);
  const deadline = Date.now() + 10_000;
  while (folders.some((folder) => existsSync(folder))) {
    assert.ok(Date.now() < deadline, 'a server is still there');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test('what is missing is said', async () => {
  await assert.rejects(startServer({ python: '/no/such/python' }), (error) => {
    assert.ok(error instanceof TestKitMissing);
    return /no\/such\/python.*pip install arion/.test(error.message);
  });
  const path = process.env.PYTHONPATH;
  process.env.PYTHONPATH = '';
  try {
    await assert.rejects(startServer(), TestKitMissing);
  } finally {
    process.env.PYTHONPATH = path;
  }
  await assert.rejects(startServer({ executable: '/bin/false' }), (error) => {
    assert.ok(!(error instanceof TestKitMissing));
    return error instanceof TestKitError && /the server ended with 1/.test(error.message);
  });
});
