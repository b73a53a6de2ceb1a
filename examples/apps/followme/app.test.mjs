// One phone after the other, two at once, and the question before the call.

import { suite } from '../lib/kit.mjs';
import { followme } from './app.mjs';

const dialplan = {
  1500: 'Stasis(followme,PJSIP/bob,PJSIP/carol)',
  1501: 'Stasis(followme,PJSIP/bob&PJSIP/carol)',
};
const prompts = ['followme/options', 'hello-world', 'vm-nobodyavail'];

suite('followme', { dialplan, prompts }, (test) => {
  test('the second place accepts', async ({ run, talking, alice, bob, carol }) => {
    await run(followme);
    await alice.call('1500');
    await bob.rings();
    await bob.reject();
    await carol.answer();
    await carol.hears('followme/options');
    await carol.press('1');
    await talking();
    await Promise.all([alice.says('hello-world'), carol.hears('hello-world')]);
    await carol.hangUp();
    await alice.hearsHangup();
  });

  test('the first to accept gets the call', async ({ run, talking, alice, bob, carol }) => {
    await run(followme);
    await alice.call('1501');
    await Promise.all([bob.rings(), carol.rings()]);
    await bob.answer();
    await bob.press('1');
    await carol.hearsHangup();
    await talking();
    await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
  });

  test('who was asked, too, is hung up', async ({ run, talking, alice, bob, carol }) => {
    await run(followme);
    await alice.call('1501');
    await Promise.all([bob.answer(), carol.answer()]);
    await carol.press('1');
    await bob.hearsHangup();
    await talking();
    await Promise.all([alice.says('hello-world'), carol.hears('hello-world')]);
  });

  test('nobody accepts', async ({ run, alice, bob, carol }) => {
    await run(followme);
    await alice.call('1501');
    await Promise.all([bob.rings(), carol.rings()]);
    await carol.reject();
    await bob.answer();
    await bob.press('2');
    await bob.hearsHangup();
    await alice.hears('vm-nobodyavail');
    await alice.hearsHangup();
  });
});
