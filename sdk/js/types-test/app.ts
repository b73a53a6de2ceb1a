// Compiled as a user would, against the packed package: the types have to hold.

import { type AnyEvent, Channel, Client, type StasisStart } from 'arion';
import { NotHeard, startServer } from 'arion/testing';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

const client = new Client({ url: 'http://127.0.0.1:8088/ari', user: 'u', password: 'p' });

export async function use(): Promise<void> {
  const channel = await client.channels.get('1');
  holds<Equal<typeof channel, Channel>>();
  const state: 'Up' | string = channel.state;
  const { digit } = await channel.waitFor('ChannelDtmfReceived', { timeoutMs: 10 });
  holds<Equal<typeof digit, string>>();
  for await (const event of channel.events('PlaybackFinished', 'ChannelHold')) {
    if (event.type === 'PlaybackFinished') await event.playback.stop();
  }
  const stream = client.events('a');
  stream.on('StasisStart', (event) => holds<Equal<typeof event, StasisStart>>());
  for await (const event of stream) narrow(event);
  // @ts-expect-error an endpoint is needed
  await client.channels.originate({});
  // @ts-expect-error no such direction
  await channel.mute('sideways');
  // @ts-expect-error no such event
  await channel.waitFor('Nonsense');
  void state;
}

export async function testIt(): Promise<void> {
  await using server = await startServer({ dialplan: { 1000: 'Stasis(mine)' }, prompts: ['hello'] });
  await using app = await server.run('mine', (channel) => channel.answer());
  holds<Equal<typeof app.client, Client>>();
  const alice = await server.phone('alice');
  await alice.says({ file: 'speech.wav' });
  await alice.hears('hello', { timeoutMs: 10, whole: false }).catch((error: unknown) => {
    if (!(error instanceof NotHeard)) throw error;
  });
  // @ts-expect-error a number is needed
  await alice.call();
}

function narrow(event: AnyEvent): void {
  switch (event.type) {
    case 'StasisStart':
      void event.channel.answer();
      break;
    case 'RecordingFinished':
      holds<Equal<typeof event.recording.name, string>>();
  }
}
