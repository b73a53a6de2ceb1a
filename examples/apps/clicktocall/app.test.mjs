// A click connects two phones.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { suite } from '../lib/kit.mjs';
import { clickServer, connect, nobodyCalls } from './app.mjs';

const prompts = ['hello-world', 'vm-nobodyavail'];

async function click(client, query) {
  const web = clickServer(client).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const url = `http://127.0.0.1:${web.address().port}/call?${new URLSearchParams(query)}`;
  const { status } = await fetch(url, { method: 'POST' });
  web.close();
  return status;
}

suite('clicktocall', { prompts }, (test) => {
  test('a click connects two phones', async ({ run, talking, client, endpoint, alice, bob }) => {
    await run(nobodyCalls);
    const query = { from: endpoint('alice'), to: endpoint('bob') };
    assert.equal(await click(client, query), 202);
    await alice.answer();
    await bob.answer();
    await talking();
    await Promise.all([bob.says('hello-world'), alice.hears('hello-world')]);
    await alice.hangUp();
    await bob.hearsHangup();
  });

  test('who clicked is told that nobody is there', async ({ run, client, endpoint, alice, bob }) => {
    await run(nobodyCalls);
    const connecting = connect(client, endpoint('alice'), endpoint('bob'));
    connecting.catch(() => {}); // if the test fails first
    await alice.answer();
    await bob.rings();
    await bob.reject();
    await alice.hears('vm-nobodyavail');
    await alice.hearsHangup();
    await connecting;
  });

  test('a click must say whom', async ({ client, endpoint }) => {
    assert.equal(await click(client, { from: endpoint('alice') }), 400);
  });
});
