// What the caller says comes back after a pause, and stops when the caller interrupts.

import assert from 'node:assert/strict';

import { suite, until } from '../lib/kit.mjs';
import { Ears, FRAME, PAUSE, voiceAgent } from './app.mjs';

const dialplan = { 1600: 'Stasis(voiceagent)' };
const prompts = ['hello-world', 'vm-goodbye'];
const LOUD = Buffer.from(new Int16Array(FRAME / 2).map((_, at) => (at % 2 ? -3000 : 3000)).buffer);
const QUIET = Buffer.alloc(FRAME);
const frames = (frame, count) => Buffer.concat(Array(count).fill(frame));
const utterance = Buffer.concat([frames(LOUD, 20), frames(QUIET, PAUSE)]);

suite('voiceagent', { dialplan, prompts }, (test) => {
  test('the caller hears the answer', async ({ run, client, alice }) => {
    await run(voiceAgent());
    await alice.call('1600');
    for (const prompt of prompts) {
      await alice.says(prompt);
      await alice.hears(prompt);
    }
    await alice.hangUp();
    const isMedia = ({ name }) => name.startsWith('WebSocket/');
    await until(async () => !(await client.channels.list()).some(isMedia));
  });

  test('the agent decides what is said', async ({ run, alice }) => {
    const heard = [];
    const agent = async (spoken) => {
      heard.push(spoken);
      return heard[0]; // the first words again, whatever is said
    };
    await run(voiceAgent(agent));
    await alice.call('1600');
    await alice.says('hello-world');
    await alice.hears('hello-world');
    await alice.says('vm-goodbye');
    await alice.hears('hello-world');
    assert.equal(heard.length, 2);
  });

  test('an utterance ends with a pause', () => {
    const ears = new Ears();
    assert.deepEqual(ears.hear(frames(QUIET, 10)), { isSpeaking: false, utterances: [] });
    assert.deepEqual(ears.hear(frames(LOUD, 20)), { isSpeaking: true, utterances: [] });
    const { isSpeaking, utterances } = ears.hear(frames(QUIET, PAUSE));
    assert.equal(isSpeaking, false);
    assert.ok(utterances[0].equals(utterance));
  });

  test('a click is no utterance', () => {
    const click = Buffer.concat([LOUD, frames(QUIET, PAUSE)]);
    assert.deepEqual(new Ears().hear(click), { isSpeaking: false, utterances: [] });
  });

  test('audio may come in any pieces', () => {
    const ears = new Ears();
    const ended = [];
    for (let at = 0; at < utterance.length; at += 77) {
      ended.push(...ears.hear(utterance.subarray(at, at + 77)).utterances);
    }
    assert.equal(ended.length, 1);
    assert.ok(ended[0].equals(utterance));
  });
});
