/** Channels, bridges, playbacks and recordings, with what can be done with them as methods. */

import type { Client } from './client.js';
import { ChannelGone, NotFound, PlaybackError, RecordingError } from './errors.js';
import type { AnyEvent } from './events.js';
import type {
  BridgeData,
  ChannelData,
  EventTypes,
  LiveRecordingData,
  PlaybackData,
  StoredRecordingData,
} from './types.js';

type HangupReason = NonNullable<Parameters<Client['channels']['hangup']>[1]>['reason'];
type Direction = 'both' | 'in' | 'out';
type Media = string | string[];

const KEY_WAIT_MS = 5000;

export interface PlayOptions {
  lang?: string;
  offsetms?: number;
  skipms?: number;
}

export interface RecordOptions {
  /** file format, `wav` if absent */
  format?: string;
  maxDurationSeconds?: number;
  maxSilenceSeconds?: number;
  ifExists?: 'fail' | 'overwrite' | 'append';
  beep?: boolean;
  terminateOn?: 'none' | 'any' | '*' | '#';
}

export interface Patience {
  /** how long to wait, without end if absent */
  timeoutMs?: number;
}

/** What all of them share: the members of the wire, and a client that does not show. */
abstract class Resource {
  readonly #client: Client;

  constructor(data: object, client: Client) {
    Object.assign(this, data);
    this.#client = client;
  }

  protected get client(): Client {
    return this.#client;
  }
}

export interface Channel extends ChannelData {}

/** One leg of a call, as of the moment it was sent. */
export class Channel extends Resource {
  // life

  async answer(): Promise<void> {
    await this.client.channels.answer(this.id);
  }

  /**
   * End the call; one that ended already is fine.
   *
   * @param reason such as `normal`, `busy` or `congestion`
   */
  async hangup(reason?: HangupReason): Promise<void> {
    await unlessGone(this.client.channels.hangup(this.id, { reason }));
  }

  async ring(): Promise<void> {
    await this.client.channels.ring(this.id);
  }

  async ringStop(): Promise<void> {
    await this.client.channels.ringStop(this.id);
  }

  /** Open the audio path before the answer. */
  async progress(): Promise<void> {
    await this.client.channels.progress(this.id);
  }

  /** Call the endpoint of a channel that was created before. */
  async dial(options: { caller?: string; timeout?: number } = {}): Promise<void> {
    await this.client.channels.dial(this.id, options);
  }

  /** Leave the application and go on in the dialplan. */
  async continueInDialplan(
    where: { context?: string; extension?: string; priority?: number; label?: string } = {},
  ): Promise<void> {
    await this.client.channels.continueInDialplan(this.id, where);
  }

  /** Hand the channel to another application. */
  async move(app: string, appArgs?: string): Promise<void> {
    await this.client.channels.move(this.id, { app, appArgs });
  }

  /** Send the far end to another address. */
  async redirect(endpoint: string): Promise<void> {
    await this.client.channels.redirect(this.id, { endpoint });
  }

  /** Return the channel as it is now. */
  refresh(): Promise<Channel> {
    return this.client.channels.get(this.id);
  }

  // audio

  /** Play media and return at once; `await (await channel.play(…)).finished()` for its end. */
  async play(media: Media, options: PlayOptions = {}): Promise<Playback> {
    const playbackId = crypto.randomUUID();
    return this.client.expecting(`playback:${playbackId}`, () =>
      this.client.channels.play(this.id, { media, playbackId, ...options }),
    );
  }

  /**
   * Play media and return when it has ended.
   *
   * @throws {PlaybackError} it could not be played
   */
  async say(media: Media, options: PlayOptions = {}): Promise<Playback> {
    return (await this.play(media, options)).finished();
  }

  /** Record what the channel says. */
  async record(name: string, options: RecordOptions = {}): Promise<LiveRecording> {
    return this.client.expecting(`recording:${name}`, () =>
      this.client.channels.record(this.id, { name, format: 'wav', ...options }),
    );
  }

  /** Send keys; times in ms. */
  async sendDTMF(
    dtmf: string,
    times: { before?: number; between?: number; duration?: number; after?: number } = {},
  ): Promise<void> {
    await this.client.channels.sendDTMF(this.id, { dtmf, ...times });
  }

  async mute(direction?: Direction): Promise<void> {
    await this.client.channels.mute(this.id, { direction });
  }

  async unmute(direction?: Direction): Promise<void> {
    await this.client.channels.unmute(this.id, { direction });
  }

  async hold(): Promise<void> {
    await this.client.channels.hold(this.id);
  }

  async unhold(): Promise<void> {
    await this.client.channels.unhold(this.id);
  }

  async startMoh(mohClass?: string): Promise<void> {
    await this.client.channels.startMoh(this.id, { mohClass });
  }

  async stopMoh(): Promise<void> {
    await this.client.channels.stopMoh(this.id);
  }

  async startSilence(): Promise<void> {
    await this.client.channels.startSilence(this.id);
  }

  async stopSilence(): Promise<void> {
    await this.client.channels.stopSilence(this.id);
  }

  // variables

  /**
   * Read a variable or dialplan function.
   *
   * @throws {NotFound} it is not set
   */
  async getVariable(variable: string): Promise<string> {
    return (await this.client.channels.getChannelVar(this.id, { variable })).value;
  }

  async setVariable(variable: string, value: string): Promise<void> {
    await this.client.channels.setChannelVar(this.id, { variable, value });
  }

  // events

  /**
   * Take the first event of a type, waiting for it if need be; other events stay.
   *
   * @throws {WaitTimeout} it did not come in time
   * @throws {ChannelGone} the channel ended first
   */
  async waitFor<T extends keyof EventTypes>(type: T, patience: Patience = {}): Promise<EventTypes[T]> {
    const inbox = this.client.inboxOf(this.id);
    return (await inbox.take((event) => event.type === type, patience.timeoutMs)) as EventTypes[T];
  }

  /** Take the next key that was pressed, even before this call; undefined if none comes in time. */
  async digit(patience: Patience = {}): Promise<string | undefined> {
    try {
      return (await this.waitFor('ChannelDtmfReceived', patience)).digit;
    } catch (error) {
      if (error instanceof Error && error.name === 'WaitTimeout') return undefined;
      throw error;
    }
  }

  /**
   * Play media until a key is pressed, and return the key; undefined if none comes in time.
   *
   * A key that was pressed before counts, so whoever knows the menu need not listen to it.
   *
   * @param patience how long to wait when the media has ended, 5,000 ms if absent
   * @throws {ChannelGone} the channel ended first
   */
  async ask(media: Media, { timeoutMs = KEY_WAIT_MS }: Patience = {}): Promise<string | undefined> {
    const prompt = await this.play(media);
    const event = await this.client
      .inboxOf(this.id)
      .take(
        (taken) =>
          taken.type === 'ChannelDtmfReceived' ||
          (taken.type === 'PlaybackFinished' && taken.playback.id === prompt.id),
      );
    if (event.type !== 'ChannelDtmfReceived') return this.digit({ timeoutMs });
    await prompt.stop();
    return event.digit;
  }

  /** Yield the events of this channel that nobody took yet, of some types or all, until it is gone. */
  events(): AsyncGenerator<AnyEvent, void>;
  events<T extends keyof EventTypes>(...types: T[]): AsyncGenerator<EventTypes[T], void>;
  async *events(...types: string[]): AsyncGenerator<AnyEvent, void> {
    const inbox = this.client.inboxOf(this.id);
    const wanted = new Set(types);
    try {
      for (;;) yield await inbox.take((event) => !wanted.size || wanted.has(event.type));
    } catch (error) {
      if (!(error instanceof ChannelGone)) throw error;
    }
  }

  /** Wait until the channel has ended or left the application. */
  async gone(): Promise<void> {
    await this.client
      .inboxOf(this.id)
      .take(() => false)
      .catch(ignoreGone);
  }
}

export interface Bridge extends BridgeData {}

/** A place where channels hear each other. */
export class Bridge extends Resource {
  /** Let channels join. */
  async add(
    channels: Channel | string | (Channel | string)[],
    options: { role?: string; absorbDTMF?: boolean; mute?: boolean } = {},
  ): Promise<void> {
    await this.client.bridges.addChannel(this.id, { channel: idsOf(channels), ...options });
  }

  /** Let channels leave. */
  async remove(channels: Channel | string | (Channel | string)[]): Promise<void> {
    await this.client.bridges.removeChannel(this.id, { channel: idsOf(channels) });
  }

  /** Play media to all and return at once. */
  async play(media: Media, options: PlayOptions = {}): Promise<Playback> {
    const playbackId = crypto.randomUUID();
    return this.client.expecting(`playback:${playbackId}`, () =>
      this.client.bridges.play(this.id, { media, playbackId, ...options }),
    );
  }

  /** Record what all say. */
  async record(name: string, options: RecordOptions = {}): Promise<LiveRecording> {
    return this.client.expecting(`recording:${name}`, () =>
      this.client.bridges.record(this.id, { name, format: 'wav', ...options }),
    );
  }

  async startMoh(mohClass?: string): Promise<void> {
    await this.client.bridges.startMoh(this.id, { mohClass });
  }

  async stopMoh(): Promise<void> {
    await this.client.bridges.stopMoh(this.id);
  }

  /** End the bridge; its channels stay. One that ended already is fine. */
  async destroy(): Promise<void> {
    await unlessGone(this.client.bridges.destroy(this.id));
  }

  /** Return the bridge as it is now. */
  refresh(): Promise<Bridge> {
    return this.client.bridges.get(this.id);
  }
}

export interface Playback extends PlaybackData {}

/** Media that is played. */
export class Playback extends Resource {
  /**
   * Wait until it has ended, and return it as it was then.
   *
   * @throws {PlaybackError} it could not be played
   */
  async finished(): Promise<Playback> {
    const ended = (await this.client.outcomeOf(`playback:${this.id}`)) as Playback | undefined;
    if (ended?.state === 'failed') throw new PlaybackError(`${ended.media_uri} could not be played`);
    return ended ?? this;
  }

  /** Stop it; one that ended already is fine. */
  async stop(): Promise<void> {
    await unlessGone(this.client.playbacks.stop(this.id));
  }

  async control(
    operation: 'restart' | 'pause' | 'unpause' | 'reverse' | 'forward',
  ): Promise<void> {
    await this.client.playbacks.control(this.id, { operation });
  }
}

export interface LiveRecording extends LiveRecordingData {}

/** A recording in progress. */
export class LiveRecording extends Resource {
  /**
   * Wait until it has ended, and return it as it was then.
   *
   * @throws {RecordingError} it broke off
   */
  async finished(): Promise<LiveRecording> {
    const ended = (await this.client.outcomeOf(`recording:${this.name}`)) as
      | LiveRecording
      | undefined;
    if (ended?.state === 'failed') throw new RecordingError(ended.cause ?? `${ended.name} broke off`);
    return ended ?? this;
  }

  /** Stop it and keep the file. */
  async stop(): Promise<void> {
    await this.client.recordings.stop(this.name);
  }

  /** Stop it and discard the file. */
  async cancel(): Promise<void> {
    await this.client.recordings.cancel(this.name);
  }

  async pause(): Promise<void> {
    await this.client.recordings.pause(this.name);
  }

  async unpause(): Promise<void> {
    await this.client.recordings.unpause(this.name);
  }

  /** Record silence instead. */
  async mute(): Promise<void> {
    await this.client.recordings.mute(this.name);
  }

  async unmute(): Promise<void> {
    await this.client.recordings.unmute(this.name);
  }
}

export interface StoredRecording extends StoredRecordingData {}

/** A complete recording. */
export class StoredRecording extends Resource {
  /** Return the file. */
  download(): Promise<ArrayBuffer> {
    return this.client.recordings.getStoredFile(this.name);
  }

  copy(destinationRecordingName: string): Promise<StoredRecording> {
    return this.client.recordings.copyStored(this.name, { destinationRecordingName });
  }

  async delete(): Promise<void> {
    await this.client.recordings.deleteStored(this.name);
  }
}

/** The class of each schema that has one. */
export const RESOURCE_CLASSES: Record<string, new (data: object, client: Client) => Resource> = {
  Bridge,
  Channel,
  LiveRecording,
  Playback,
  StoredRecording,
};

async function unlessGone(request: Promise<void>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof ChannelGone)) throw error;
}

function idsOf(channels: Channel | string | (Channel | string)[]): string[] {
  const list = Array.isArray(channels) ? channels : [channels];
  return list.map((item) => (typeof item === 'string' ? item : item.id));
}
