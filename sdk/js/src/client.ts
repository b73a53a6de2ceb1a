/** The client: operations by tag, streams of events, and programs for calls. */

import { type Access, type Call, Http, type Requester } from './core/http.js';
import { Inbox, Outcomes } from './core/inbox.js';
import { revive } from './core/revive.js';
import { ArionError, ChannelGone, Conflict, NotFound, NotListening } from './errors.js';
import { type AnyEvent, EventStream, type StreamOptions } from './events.js';
import * as operations from './operations.js';
import type { Bridge, Channel, StasisStart } from './types.js';

const REQUEST_TIMEOUT_MS = 30_000;
const NOT_IN_STASIS = /not in Stasis/i; // as Asterisk words it, too
const MAX_LOST = 1_000; // channels that are gone, whose last events may still be taken

/** What a program does with one call. */
export type CallHandler = (channel: Channel, args: string[], event: StasisStart) => Promise<void>;

/** Where messages for people go; `console` is one. */
export interface Logger {
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

export interface ClientOptions extends Access {
  /** for a request; 30,000 if absent */
  timeoutMs?: number;
  /** `console` if absent */
  logger?: Logger;
}

/** A client of one server. */
export class Client implements Requester {
  readonly http: Http;
  readonly logger: Logger;
  readonly applications = new operations.ApplicationsOperations(this);
  readonly asterisk = new operations.AsteriskOperations(this);
  readonly bridges = new operations.BridgesOperations(this);
  readonly channels = new operations.ChannelsOperations(this);
  readonly deviceStates = new operations.DeviceStatesOperations(this);
  readonly endpoints = new operations.EndpointsOperations(this);
  readonly userEvents = new operations.EventsOperations(this);
  readonly mailboxes = new operations.MailboxesOperations(this);
  readonly playbacks = new operations.PlaybacksOperations(this);
  readonly recordings = new operations.RecordingsOperations(this);
  readonly sounds = new operations.SoundsOperations(this);

  readonly #inboxes = new Map<string, Inbox<AnyEvent>>();
  readonly #lost = new Map<string, Inbox<AnyEvent>>();
  readonly #outcomes = new Outcomes();
  #openStreams = 0;

  constructor(options: ClientOptions) {
    this.http = new Http(options, options.timeoutMs ?? REQUEST_TIMEOUT_MS);
    this.logger = options.logger ?? console;
  }

  /** Return the stream of events of one or more applications. */
  events(apps: string | string[], options: StreamOptions = {}): EventStream {
    return new EventStream(this, Array.isArray(apps) ? apps : [apps], options);
  }

  /**
   * Be an application: call a handler for every channel that enters it, until the signal aborts.
   *
   * A handler may end at any time with {@link ChannelGone} or {@link NotFound}: the caller hung up.
   * Another error is logged, and its call is ended.
   */
  async run(
    app: string,
    handler: CallHandler,
    options: StreamOptions & { signal?: AbortSignal } = {},
  ): Promise<void> {
    const stream = this.events(app, options);
    const stop = () => stream.close();
    options.signal?.addEventListener('abort', stop);
    try {
      if (options.signal?.aborted) return;
      for await (const event of stream) {
        if (event.type === 'StasisStart') void this.#handle(handler, event);
      }
    } finally {
      options.signal?.removeEventListener('abort', stop);
    }
  }

  /** Make a bridge, and end it with the block: `await using bridge = await client.bridge()`. */
  async bridge(
    options: { type?: string; bridgeId?: string; name?: string } = {},
  ): Promise<Bridge & AsyncDisposable> {
    const made = await this.bridges.create({ type: 'mixing', ...options });
    return Object.assign(made, { [Symbol.asyncDispose]: () => made.destroy() });
  }

  /**
   * Send a request and return what its answer says.
   *
   * @throws {ApiError} the server refused it
   * @throws {RequestTimeout} there was no answer in time
   * @throws {ConnectionFailed} the server can't be reached
   */
  async request<T>(operation: string, method: string, path: string, call: Call = {}): Promise<T> {
    const response = await this.#send(operation, method, path, call);
    if (call.binary) return (await response.arrayBuffer()) as T;
    const text = await response.text();
    if (!text) return undefined as T;
    const value: unknown = JSON.parse(text);
    return (call.shape ? revive(value, call.shape, this) : value) as T;
  }

  async #send(operation: string, method: string, path: string, call: Call): Promise<Response> {
    try {
      return await this.http.send(operation, method, path, call);
    } catch (error) {
      // The call went away while the request was under way: it is on its way out of the application.
      if (error instanceof Conflict && NOT_IN_STASIS.test(error.reason)) {
        throw new ChannelGone(error.message, { cause: error });
      }
      throw error;
    }
  }

  // for streams

  /** @internal */
  streamOpened(): void {
    this.#openStreams += 1;
  }

  /** @internal */
  streamClosed(): void {
    this.#openStreams -= 1;
    if (this.#openStreams) return;
    for (const id of [...this.#inboxes.keys()]) this.#lose(id);
    for (const key of this.#outcomes.pending()) this.#outcomes.settle(key, undefined);
  }

  /** @internal Take an event in, before the program sees it. */
  note(event: AnyEvent): void {
    const id = channelOf(event);
    let inbox = this.#inboxes.get(id);
    if (event.type === 'StasisStart' && !inbox) {
      inbox = new Inbox();
      this.#inboxes.set(id, inbox);
      this.#lost.delete(id);
    }
    inbox?.put(event);
    switch (event.type) {
      case 'StasisEnd':
      case 'ChannelDestroyed':
        this.#lose(id);
        break;
      case 'PlaybackFinished':
        this.#outcomes.settle(`playback:${event.playback.id}`, event.playback);
        break;
      case 'RecordingFinished':
      case 'RecordingFailed':
        this.#outcomes.settle(`recording:${event.recording.name}`, event.recording);
    }
  }

  /** @internal Find out, after a connection that broke, what ended meanwhile. */
  async catchUp(): Promise<void> {
    const checks = [
      ...this.#outcomes.pending().map((key) => this.#settleIfOver(key)),
      ...[...this.#inboxes.keys()].map((id) => this.#loseIfGone(id)),
    ];
    await Promise.all(checks);
  }

  // for resources

  /** @internal The events of a channel that nobody took yet. */
  inboxOf(id: string): Inbox<AnyEvent> {
    this.#checkListening();
    let inbox = this.#inboxes.get(id) ?? this.#lost.get(id);
    if (!inbox) {
      inbox = new Inbox();
      this.#inboxes.set(id, inbox);
    }
    return inbox;
  }

  /** @internal Have an outcome noted from before the command on, unless the command fails. */
  async expecting<T>(key: string, command: () => Promise<T>): Promise<T> {
    this.#outcomes.forget(key);
    void this.#outcomes.expect(key);
    try {
      return await command();
    } catch (error) {
      this.#outcomes.forget(key);
      throw error;
    }
  }

  /** @internal Wait for an outcome; undefined if it happened unseen. */
  async outcomeOf(key: string): Promise<unknown> {
    this.#checkListening();
    if (!this.#outcomes.has(key)) {
      // It was started elsewhere, or the outcome was told before.
      void this.#outcomes.expect(key);
      await this.#settleIfOver(key);
    }
    try {
      return await this.#outcomes.expect(key);
    } finally {
      this.#outcomes.forget(key);
    }
  }

  // private

  #checkListening(): void {
    if (!this.#openStreams) {
      throw new NotListening('open client.events() or client.run() before waiting for events');
    }
  }

  #lose(id: string): void {
    const inbox = this.#inboxes.get(id);
    if (!inbox) return;
    inbox.close();
    this.#inboxes.delete(id);
    this.#lost.set(id, inbox);
    const [oldest] = this.#lost.keys();
    if (this.#lost.size > MAX_LOST && oldest !== undefined) this.#lost.delete(oldest);
  }

  async #loseIfGone(id: string): Promise<void> {
    try {
      await this.channels.get(id);
    } catch (error) {
      if (error instanceof NotFound) this.#lose(id);
      else this.logger.warn('after connecting again', error);
    }
  }

  async #settleIfOver(key: string): Promise<void> {
    const name = key.slice(key.indexOf(':') + 1);
    try {
      if (key.startsWith('playback:')) await this.playbacks.get(name);
      else await this.recordings.getLive(name);
    } catch (error) {
      if (error instanceof NotFound) this.#outcomes.settle(key, undefined);
      else this.logger.warn(key, error);
    }
  }

  async #handle(handler: CallHandler, event: StasisStart): Promise<void> {
    const { channel } = event;
    try {
      await handler(channel, event.args, event);
    } catch (error) {
      if (error instanceof ChannelGone || error instanceof NotFound) return;
      this.logger.error(`the handler of call ${channel.id} failed`, error);
      await channel.hangup().catch((failure: unknown) => {
        if (!(failure instanceof ArionError)) throw failure;
        this.logger.warn(`hanging up ${channel.id}`, failure);
      });
    }
  }
}

/** Return the id of the channel that an event is about, or an empty string. */
function channelOf(event: AnyEvent): string {
  const members = event as unknown as Record<string, { id?: string; target_uri?: string }>;
  for (const name of ['channel', 'peer']) {
    const id = members[name]?.id;
    if (id) return id;
  }
  for (const name of ['playback', 'recording']) {
    const target = members[name]?.target_uri;
    if (target) return target.startsWith('channel:') ? target.slice('channel:'.length) : '';
  }
  return '';
}
