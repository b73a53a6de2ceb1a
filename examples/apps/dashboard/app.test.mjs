// The page shows what the calls do.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { suite, until } from '../lib/kit.mjs';
import { Dashboard, PAGE } from './app.mjs';

suite('dashboard', {}, (test) => {
  test('calls come, change and go', async ({ server, client, alice, bob }) => {
    const dashboard = new Dashboard(client);
    const following = dashboard.follow();
    following.catch(() => {}); // if the test fails first
    await server.registered('dashboard');
    // Other tests call, too.
    const mine = () => [...dashboard.calls.values()].filter(({ name }) => /dashboard-/.test(name));
    const calling = alice.call('dashboard-bob');
    await bob.answer();
    await calling;
    await until(() => mine().filter(({ bridge }) => bridge).length === 2);
    assert.deepEqual(mine().map(({ state }) => state), ['Up', 'Up']);
    await alice.press('42');
    await until(() => mine().some(({ keys }) => keys === '42'));

    const late = new Dashboard(client);
    await late.readAll();
    assert.equal([...late.calls.values()].filter(({ name }) => /dashboard-/.test(name)).length, 2);

    await alice.hangUp();
    await until(() => !mine().length);
    client.close();
    await following;
  });

  test('the page and its data', async ({ client }) => {
    const web = new Dashboard(client).server().listen(0, '127.0.0.1');
    await once(web, 'listening');
    const get = (path) => fetch(`http://127.0.0.1:${web.address().port}${path}`);
    assert.equal(await (await get('/')).text(), PAGE);
    assert.deepEqual(await (await get('/calls.json')).json(), []);
    assert.equal((await get('/other')).status, 404);
    web.close();
  });
});
