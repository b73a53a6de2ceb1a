// Music, then the other phone; or nobody.

import { suite } from '../lib/kit.mjs';
import { callbridge } from './app.mjs';

const dialplan = { 2000: 'Stasis(callbridge,PJSIP/bob)', 2001: 'Stasis(callbridge,PJSIP/nobody)' };
const prompts = ['hello-world', 'vm-nobodyavail'];

suite('callbridge', { dialplan, prompts }, (test) => {
  test('the two are connected, and one hangs up for both', async ({ run, talking, alice, bob }) => {
    await run(callbridge);
    await alice.call('2000');
    await bob.answer();
    await talking();
    await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
    await bob.hangUp();
    await alice.hearsHangup();
  });

  test('who is busy is not there, nor is who does not exist', async ({ run, alice, bob }) => {
    await run(callbridge);
    await alice.call('2000');
    await bob.rings();
    await bob.reject();
    await alice.hears('vm-nobodyavail');
    await alice.hearsHangup();
    await alice.call('2001');
    await alice.hears('vm-nobodyavail');
    await alice.hearsHangup();
  });

  test('a caller who gives up stops the ringing', async ({ run, alice, bob }) => {
    await run(callbridge);
    await alice.call('2000');
    await bob.rings();
    await alice.hangUp();
    await bob.hearsHangup();
  });
});
