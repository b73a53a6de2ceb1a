// The menus, by phone.

import { suite } from '../lib/kit.mjs';
import { ivr, MAIN } from './app.mjs';

const dialplan = { 1100: 'Stasis(ivr)' };
const prompts = [
  'hello-world',
  'pbx-invalid',
  'vm-advopts',
  'vm-goodbye',
  'vm-instructions',
  'vm-nobodyavail',
  'vm-options',
];

suite('ivr', { dialplan, prompts }, (test) => {
  test('a sound, and back to the menu', async ({ run, alice }) => {
    await run(ivr());
    await alice.call('1100');
    await alice.hears('vm-options');
    await alice.press('1');
    await alice.hears('hello-world');
    await alice.hears('vm-options');
  });

  test('keys pressed ahead need no prompt', async ({ run, alice }) => {
    await run(ivr());
    await alice.call('1100');
    await alice.press('22');
    await alice.hears('vm-instructions');
    await alice.hears('vm-advopts');
    await alice.press('*');
    await alice.hears('vm-options');
  });

  const withDesk = (endpoint) => ({ ...MAIN, choices: { ...MAIN.choices, 0: endpoint('bob') } });

  test('the operator is connected', async ({ run, talking, endpoint, alice, bob }) => {
    await run(ivr(withDesk(endpoint)));
    await alice.call('1100');
    await alice.press('0');
    await bob.answer();
    await talking();
    await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
    await bob.hangUp();
    await alice.hearsHangup();
  });

  test('a caller who gives up stops the ringing', async ({ run, endpoint, alice, bob }) => {
    await run(ivr(withDesk(endpoint)));
    await alice.call('1100');
    await alice.press('0');
    await bob.rings();
    await alice.hangUp();
    await bob.hearsHangup();
  });

  test('nobody at the desk', async ({ run, endpoint, alice, bob }) => {
    await run(ivr(withDesk(endpoint)));
    await alice.call('1100');
    await alice.press('0');
    await bob.rings();
    await bob.reject();
    await alice.hears('vm-nobodyavail');
  });

  test('three wrong keys end the call', async ({ run, alice }) => {
    await run(ivr());
    await alice.call('1100');
    for (let count = 0; count < 3; count += 1) {
      await alice.press('9');
      await alice.hears('pbx-invalid');
    }
    await alice.hears('vm-goodbye');
    await alice.hearsHangup();
  });
});
