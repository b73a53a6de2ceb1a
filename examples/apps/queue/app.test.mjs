// Callers wait, agents take them in turn.

import assert from 'node:assert/strict';

import { NotHeard } from 'arion/testing';

import { suite } from '../lib/kit.mjs';
import { Queue } from './app.mjs';

const dialplan = {
  1300: 'Stasis(queue)',
  1301: 'Stasis(queue,login,PJSIP/bob)',
  1302: 'Stasis(queue,logout,PJSIP/bob)',
};
const prompts = ['agent-loggedoff', 'agent-loginok', 'hello-world', 'queue-thereare', 'digits/1'];

suite('queue', { dialplan, prompts }, (test) => {
  test('callers are served in turn', async ({ run, talking, alice, bob, carol }) => {
    await run(new Queue().handle);
    await bob.call('1301');
    await bob.hears('agent-loginok');
    await bob.hearsHangup();

    await alice.call('1300');
    await bob.answer();
    await carol.call('1300');
    await talking();
    await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
    await alice.hangUp(); // frees the agent for carol
    await bob.hearsHangup();
    await bob.answer();
    await talking();
    await Promise.all([bob.says('hello-world'), carol.hears('hello-world')]);
    await bob.hangUp();
    await carol.hearsHangup();
  });

  test('an agent who does not answer rests', async ({ run, alice, bob }) => {
    await run(new Queue({ restMs: 100 }).handle);
    await bob.call('1301');
    await bob.hearsHangup();
    await alice.call('1300');
    await bob.rings();
    await bob.reject();
    await bob.answer();
    await alice.hangUp();
    await bob.hearsHangup();
  });

  test('a caller who gives up frees the agent', async ({ run, talking, alice, bob, carol }) => {
    await run(new Queue().handle);
    await bob.call('1301');
    await bob.hearsHangup();
    await alice.call('1300');
    await bob.rings();
    await alice.hangUp();
    await bob.hearsHangup();
    await carol.call('1300');
    await bob.answer();
    await talking();
    await Promise.all([bob.says('hello-world'), carol.hears('hello-world')]);
  });

  test('who logged out is not rung', async ({ run, alice, bob }) => {
    await run(new Queue().handle);
    for (const [number, prompt] of [['1301', 'agent-loginok'], ['1302', 'agent-loggedoff']]) {
      await bob.call(number);
      await bob.hears(prompt);
      await bob.hearsHangup();
    }
    await alice.call('1300');
    await assert.rejects(bob.rings({ timeoutMs: 500 }), NotHeard);
  });
});
