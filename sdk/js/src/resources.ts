/**
 * What can be done with channels, bridges, playbacks and recordings beyond single operations. The
 * other methods of these things are generated: see `bound.ts`.
 */

import {
  BOUND_CLASSES,
  BoundBridge,
  BoundChannel,
  BoundLiveRecording,
  BoundPlayback,
  BoundStoredRecording,
} from './bound.js';
import type { Client } from './client.js';
import { testOf } from './core/core.js';
import type { Resource } from './core/resource.js';
import {
  BadRequest,
  ChannelGone,
  Conflict,
  NotFound,
  PlaybackError,
  RecordingError,
  TimedOut,
  Unprocessable,
} from './errors.js';
import type { AnyEvent } from './events.js';
import type {
  BridgeData,
  ChannelData,
  ChannelDtmfReceived,
  EventTypes,
  LiveRecordingData,
  PlaybackData,
  StoredRecordingData,
} from './types.js';

export * from './bound.js';

type HangupReason = NonNullable<Parameters<Client['channels']['hangup']>[1]>['reason'];
type Media = string | string[];
type Members = Channel | string | (Channel | string)[];

const KEY_WAIT_MS = 5000; // to wait for a key

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

export interface Expectations<E> extends Patience {
  /** what else must hold of the event */
  where?: (event: E) => boolean;
}

/** How keys are taken. */
export interface KeyOptions {
  /** the key that ends it; it is not among the result */
  end?: string;
  /** to wait for the first key, 5,000 if absent */
  firstMs?: number;
  /** to wait for each other key, 5,000 if absent */
  betweenMs?: number;
}

export interface AskOptions extends KeyOptions {
  /** how many keys are enough, 1 if absent */
  most?: number;
  lang?: string;
}

export interface Channel extends ChannelData {}

/** One leg of a call, as of the moment it was sent. */
export class Channel extends BoundChannel {
  // life

  /**
   * End the call; one that ended already is fine.
   *
   * @param reason such as `normal`, `busy` or `congestion`
   */
  async hangup(reason?: HangupReason): Promise<void> {
    await unlessGone(this.client.channels.hangup(this.id, { reason }));
  }

  /**
   * Wait until the channel has ended or left the application; return how.
   *
   * @throws {TimedOut} it has not in time
   */
  async waitGone(patience: Patience = {}): Promise<ChannelGone> {
    return this.client.core.gone([this.id], patience.timeoutMs);
  }

  // audio

  /** Play media and return at once; `await (await channel.play(…)).finished()` for its end. */
  async play(media: Media, options: PlayOptions = {}): Promise<Playback> {
    const playbackId = crypto.randomUUID();
    return this.client.core.expecting(`playback:${playbackId}`, () =>
      this.client.channels.play(this.id, { media, playbackId, ...options }),
    );
  }

  /**
   * Play media and return when it has ended.
   *
   * @throws {PlaybackError} it could not be played
   * @throws {TimedOut} it took longer
   */
  async say(media: Media, options: PlayOptions & Patience = {}): Promise<Playback> {
    const { timeoutMs, ...how } = options;
    return (await this.play(media, how)).finished({ timeoutMs });
  }

  /** Record what the channel says, and return at once. */
  async record(name: string, options: RecordOptions = {}): Promise<LiveRecording> {
    return this.client.core.expecting(`recording:${name}`, () =>
      this.client.channels.record(this.id, { name, format: 'wav', ...options }),
    );
  }

  // keys

  /**
   * Take the next key that was pressed, even before this call; undefined if none comes in time.
   *
   * @throws {ChannelGone} the channel ended first
   */
  async digit(patience: Patience = {}): Promise<string | undefined> {
    try {
      return (await this.waitFor('ChannelDtmfReceived', patience)).digit;
    } catch (error) {
      if (error instanceof TimedOut) return undefined;
      throw error;
    }
  }

  /**
   * Take several keys; return those that came.
   *
   * @param most how many are enough
   * @throws {ChannelGone} the channel ended first
   */
  async digits(most: number, options: KeyOptions = {}): Promise<string> {
    const { end = '#', firstMs = KEY_WAIT_MS, betweenMs = KEY_WAIT_MS } = options;
    let keys = '';
    while (keys.length < most) {
      const key = await this.digit({ timeoutMs: keys ? betweenMs : firstMs });
      if (key === undefined || end.includes(key)) break;
      keys += key;
    }
    return keys;
  }

  /**
   * Play media until a key is pressed, and return the keys; empty if there was none.
   *
   * Keys that were pressed before count, so whoever knows the menu need not listen to it.
   *
   * @param options `firstMs` begins when the media has ended; without `end` no key ends it
   * @throws {ChannelGone} the channel ended first
   */
  async ask(media: Media, options: AskOptions = {}): Promise<string> {
    const { most = 1, end = '', firstMs, betweenMs, lang } = options;
    const playback = await this.play(media, { lang });
    const event = await this.#take(
      (taken) =>
        taken.type === 'ChannelDtmfReceived' ||
        (taken.type === 'PlaybackFinished' && taken.playback.id === playback.id),
    );
    if (event.type === 'PlaybackFinished') {
      return this.digits(most, { end, firstMs, betweenMs });
    }
    await playback.stop();
    const key = (event as ChannelDtmfReceived).digit;
    if (end.includes(key)) return '';
    return most > 1
      ? key + (await this.digits(most - 1, { end, firstMs: betweenMs, betweenMs }))
      : key;
  }

  /** Drop the keys that were pressed and not taken. */
  async forgetDigits(): Promise<void> {
    while ((await this.digit({ timeoutMs: 0 })) !== undefined);
  }

  // variables

  /**
   * Read a variable or dialplan function.
   *
   * @throws {NotFound} it is not set
   */
  async getVariable(name: string): Promise<string> {
    return (await this.client.channels.getChannelVar(this.id, { variable: name })).value;
  }

  /** Set a variable or write a dialplan function. */
  async setVariable(name: string, value: string): Promise<void> {
    await this.client.channels.setChannelVar(this.id, { variable: name, value });
  }

  // events

  /** Yield the events of this channel that nobody took yet, of some types or all, until it is gone. */
  events(): AsyncGenerator<AnyEvent, void>;
  events<T extends keyof EventTypes>(...types: T[]): AsyncGenerator<EventTypes[T], void>;
  async *events(...types: (keyof EventTypes)[]): AsyncGenerator<AnyEvent, void> {
    const wanted = testOf(types);
    try {
      for (;;) yield await this.#take(wanted);
    } catch (error) {
      if (!(error instanceof ChannelGone)) throw error;
    }
  }

  /**
   * Take the first event of a type, waiting for it if need be; other events stay.
   *
   * It may have come before: see {@link expect} for those that are yet to come.
   *
   * @throws {TimedOut} it did not come in time
   * @throws {ChannelGone} the channel ended first
   */
  async waitFor<T extends keyof EventTypes>(
    types: T | T[],
    patience: Patience = {},
  ): Promise<EventTypes[T]> {
    return (await this.#take(testOf(types), patience.timeoutMs)) as EventTypes[T];
  }

  /**
   * Give a command, and wait for an event of this channel that it causes:
   * `await channel.expect('ChannelHold', () => channel.hold(), { timeoutMs: 5000 })`.
   *
   * @throws {TimedOut} it did not come in time
   * @throws {ChannelGone} the channel ended first
   */
  async expect<T extends keyof EventTypes>(
    types: T | T[],
    command: () => Promise<unknown>,
    options: Expectations<EventTypes[T]> = {},
  ): Promise<EventTypes[T]> {
    const wanted = testOf(types, options.where);
    const { core } = this.client;
    return (await core.expect(this.id, wanted, command, options.timeoutMs)) as EventTypes[T];
  }

  #take(wanted: (event: AnyEvent) => boolean, timeoutMs?: number): Promise<AnyEvent> {
    return this.client.core.take(this.id, wanted, timeoutMs);
  }
}

export interface Bridge extends BridgeData {}

/** A place where channels hear each other. */
export class Bridge extends BoundBridge {
  /**
   * Let channels join.
   *
   * @throws {ChannelGone} one of them ended or left the application
   */
  async add(
    channels: Members,
    options: Omit<Parameters<Client['bridges']['addChannel']>[1], 'channel'> = {},
  ): Promise<void> {
    const ids = idsOf(channels);
    try {
      await this.client.bridges.addChannel(this.id, { channel: ids, ...options });
    } catch (error) {
      if ([BadRequest, Conflict, Unprocessable].some((kind) => error instanceof kind)) {
        await this.client.core.throwIfGone(ids);
      }
      throw error;
    }
  }

  /** Let channels leave. */
  async remove(channels: Members): Promise<void> {
    await this.client.bridges.removeChannel(this.id, { channel: idsOf(channels) });
  }

  /** Play media to all and return at once. */
  async play(media: Media, options: PlayOptions = {}): Promise<Playback> {
    const playbackId = crypto.randomUUID();
    return this.client.core.expecting(`playback:${playbackId}`, () =>
      this.client.bridges.play(this.id, { media, playbackId, ...options }),
    );
  }

  /**
   * Play media to all and return when it has ended.
   *
   * @throws {PlaybackError} it could not be played
   * @throws {TimedOut} it took longer
   */
  async say(media: Media, options: PlayOptions & Patience = {}): Promise<Playback> {
    const { timeoutMs, ...how } = options;
    return (await this.play(media, how)).finished({ timeoutMs });
  }

  /** Record what all say, and return at once. */
  async record(name: string, options: RecordOptions = {}): Promise<LiveRecording> {
    return this.client.core.expecting(`recording:${name}`, () =>
      this.client.bridges.record(this.id, { name, format: 'wav', ...options }),
    );
  }

  /** End the bridge; its channels stay. One that ended already is fine. */
  async destroy(): Promise<void> {
    await unlessGone(this.client.bridges.destroy(this.id));
  }
}

export interface Playback extends PlaybackData {}

/** Media that is played. */
export class Playback extends BoundPlayback {
  /**
   * Wait until it has ended, and return it as it was then.
   *
   * @throws {PlaybackError} it could not be played
   * @throws {TimedOut} it has not ended in time
   */
  async finished(patience: Patience = {}): Promise<Playback> {
    const key = `playback:${this.id}`;
    const ended = (await this.client.core.outcome(key, patience.timeoutMs)) as Playback | undefined;
    if (ended?.state === 'failed') throw new PlaybackError(`${ended.media_uri} could not be played`);
    return ended ?? this;
  }

  /** Stop it; one that ended already is fine. */
  async stop(): Promise<void> {
    await unlessGone(this.client.playbacks.stop(this.id));
  }
}

export interface LiveRecording extends LiveRecordingData {}

/** A recording in progress. */
export class LiveRecording extends BoundLiveRecording {
  /**
   * Wait until it has ended, and return it as it was then.
   *
   * @throws {RecordingError} it broke off
   * @throws {TimedOut} it has not ended in time
   */
  async finished(patience: Patience = {}): Promise<LiveRecording> {
    const ended = (await this.client.core.outcome(
      `recording:${this.name}`,
      patience.timeoutMs,
    )) as LiveRecording | undefined;
    if (ended?.state === 'failed') throw new RecordingError(ended.cause ?? `${ended.name} broke off`);
    return ended ?? this;
  }

  /** Return the file that it became. */
  stored(): Promise<StoredRecording> {
    return this.client.recordings.getStored(this.name);
  }
}

export interface StoredRecording extends StoredRecordingData {}

/** A complete recording. */
export class StoredRecording extends BoundStoredRecording {
  /** Copy it. */
  copy(name: string): Promise<StoredRecording> {
    return this.client.recordings.copyStored(this.name, { destinationRecordingName: name });
  }
}

/** @internal The class of each schema that has one. */
export const RESOURCE_CLASSES: Record<string, new (data: object, client: Client) => Resource> = {
  ...BOUND_CLASSES,
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

function idsOf(channels: Members): string[] {
  const list = Array.isArray(channels) ? channels : [channels];
  return list.map((item) => (typeof item === 'string' ? item : item.id));
}
