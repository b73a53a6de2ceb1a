// voiceagent: hears the caller out, then answers; over a media WebSocket. See README.md; app.py does
// the same.

import { run } from 'arion';
import { WebSocket } from 'ws';

import { isMain } from '../lib/main.mjs';

const FORMAT = 'slin'; // 16 bits, 8 kHz, one channel
export const FRAME = 320; // bytes of 20 ms
const LOUD = 500; // mean sample value above which a frame is speech
export const PAUSE = 30; // quiet frames that end an utterance: 600 ms
const LONGEST = 1500; // frames of an utterance: 30 s
const CONNECT_MS = 5000; // for the media WebSocket to be there
const LEAST = 5; // frames of speech; less is a click

// Say the same again. Recognition, a language model and synthesis go here instead.
async function echo(utterance) {
  return utterance;
}

// Cuts what comes in into utterances.
export class Ears {
  #rest = Buffer.alloc(0);
  #spoken = [];
  #loud = 0;
  #quiet = 0;

  // Take audio; return whether somebody speaks now, and the utterances that ended.
  hear(audio) {
    const utterances = [];
    this.#rest = Buffer.concat([this.#rest, audio]);
    while (this.#rest.length >= FRAME) {
      const utterance = this.#take(this.#rest.subarray(0, FRAME));
      this.#rest = this.#rest.subarray(FRAME);
      if (utterance) utterances.push(utterance);
    }
    return { isSpeaking: this.#loud >= LEAST && !this.#quiet, utterances };
  }

  #take(frame) {
    if (loudness(frame) > LOUD) {
      this.#loud += 1;
      this.#quiet = 0;
    } else if (!this.#loud) {
      return undefined;
    } else {
      this.#quiet += 1;
    }
    this.#spoken.push(frame);
    if (this.#quiet < PAUSE && this.#spoken.length < LONGEST) return undefined;
    const whole = this.#loud >= LEAST ? Buffer.concat(this.#spoken) : undefined;
    this.#spoken = [];
    this.#loud = this.#quiet = 0;
    return whole;
  }
}

function loudness(frame) {
  let sum = 0;
  for (let at = 0; at < frame.length; at += 2) sum += Math.abs(frame.readInt16LE(at));
  return sum / (frame.length / 2);
}

// Make the handler of calls. `agent` turns what the caller said into what is answered, both as audio.
export function voiceAgent(agent = echo) {
  return async (caller) => {
    if (caller.name.startsWith('WebSocket/')) return; // the media channel of another call here
    await caller.answer();
    const { client } = caller;
    const media = await client.channels.externalMedia({
      app: 'voiceagent',
      format: FORMAT,
      encapsulation: 'none',
      transport: 'websocket',
      connection_type: 'server',
    });
    try {
      const socket = await talk(client, media, agent);
      await media.waitFor('StasisStart', { timeoutMs: CONNECT_MS });
      const bridge = await client.bridge();
      try {
        await bridge.add([caller, media]);
        await client.firstGone([caller, media]);
      } finally {
        await bridge.destroy();
        socket.close();
      }
    } finally {
      await Promise.all([media.hangup(), caller.hangup()]);
    }
  };
}

// Listen and answer for as long as the call lasts; return the media WebSocket.
async function talk(client, media, agent) {
  const name = await media.getVariable('MEDIA_WEBSOCKET_CONNECTION_ID');
  const url = `${client.url.replace(/\/ari$/, '').replace(/^http/, 'ws')}/media/${name}`;
  const socket = new WebSocket(url, 'media');
  const ears = new Ears();
  socket.on('error', (error) => console.error('the media WebSocket failed:', error.message));
  socket.on('message', async (data, isBinary) => {
    if (!isBinary) return;
    const { isSpeaking, utterances } = ears.hear(data);
    if (isSpeaking) socket.send('FLUSH_MEDIA'); // the caller interrupts: be quiet at once
    for (const utterance of utterances) {
      console.log(`${media.id} said ${(utterance.length / FRAME) * 20} ms`);
      try {
        socket.send(await agent(utterance));
      } catch (error) {
        console.error('the agent failed:', error);
        await media.hangup();
      }
    }
  });
  return socket;
}

if (isMain(import.meta.url)) await run('voiceagent', voiceAgent());
