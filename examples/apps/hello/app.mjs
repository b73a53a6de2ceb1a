// hello: answers, greets, and offers a menu by DTMF. See README.md; app.py does the same.

import { randomUUID } from 'node:crypto';

import { forEachCall, runApp } from '../lib/ari.mjs';

const MENU = ['sound:vm-press', 'digits:1', 'digits:2', 'digits:3'];
const MENU_WAIT_MS = 8000;
const MENU_TRIES = 3;

class Call {
  constructor(ari, channel) {
    this.ari = ari;
    this.id = channel.id;
    this.path = `/channels/${channel.id}`;
  }

  async answer() {
    await this.ari.post(`${this.path}/answer`);
  }

  // Play something to its end.
  async play(...media) {
    const { finished } = await this.#startPlaying(media);
    await finished;
  }

  // Return the next digit, undefined if none comes in time; what plays stops at the digit.
  async ask(...media) {
    const digit = this.nextDigit();
    const { id, finished } = await this.#startPlaying(media);
    const first = await Promise.race([digit, finished.then(() => undefined)]);
    if (first !== undefined) {
      await this.ari.delete(`/playbacks/${id}`).catch(() => {}); // it may just have ended
      return first;
    }
    let timer;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, MENU_WAIT_MS);
    });
    return Promise.race([digit, timeout]).finally(() => clearTimeout(timer));
  }

  async nextDigit() {
    const event = await this.ari.next(
      this.id,
      (e) => e.type === 'ChannelDtmfReceived' && e.channel.id === this.id,
    );
    return event.digit;
  }

  // Record until # or a silence; return the recording's name.
  async record() {
    const name = `hello-${randomUUID()}`;
    const finished = this.ari.next(
      this.id,
      (e) => e.type === 'RecordingFinished' && e.recording.name === name,
    );
    await this.ari.post(`${this.path}/record`, {
      name,
      format: 'wav',
      maxDurationSeconds: 60,
      maxSilenceSeconds: 4,
      beep: true,
      terminateOn: '#',
    });
    await finished;
    return name;
  }

  async #startPlaying(media) {
    const id = randomUUID();
    const finished = this.ari.next(
      this.id,
      (e) => e.type === 'PlaybackFinished' && e.playback.id === id,
    );
    await this.ari.post(`${this.path}/play/${id}`, { media: media.join(',') });
    return { id, finished };
  }
}

const CHOICES = {
  1: async (call) => {
    // The dialplan echoes, and hands the call back with the argument "menu".
    await call.ari.post(`${call.path}/continue`, { context: 'demo', extension: 'echo', priority: 1 });
    return true;
  },
  2: async (call) => {
    await call.play('sound:vm-intro');
    const name = await call.record();
    await call.play('sound:vm-msgsaved', `recording:${name}`);
  },
  3: async (call) => {
    const digit = call.nextDigit();
    await call.ari.post(`${call.path}/moh`);
    await digit;
    await call.ari.delete(`${call.path}/moh`);
  },
  '#': async (call) => {
    await call.play('sound:vm-goodbye');
    await call.ari.delete(call.path);
    return true;
  },
};

async function menu(call) {
  for (let tries = 0; tries < MENU_TRIES; tries += 1) {
    const digit = await call.ask(...MENU);
    if (digit === undefined) continue;
    console.log(`hello: ${call.id} pressed ${digit}`);
    const choice = CHOICES[digit] ?? (() => call.play('sound:pbx-invalid'));
    if (await choice(call)) return;
    tries = -1;
  }
  await CHOICES['#'](call);
}

runApp('hello', (ari) => {
  ari.on(
    'StasisStart',
    forEachCall(async ({ channel, args }) => {
      const call = new Call(ari, channel);
      if (args[0] !== 'menu') {
        await call.answer();
        await call.play('sound:hello-world');
      }
      await menu(call);
    }),
  );
});
