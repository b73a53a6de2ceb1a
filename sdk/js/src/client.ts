/** The client: operations by tag, streams of events, and programs for calls. */

import { Core, type Logger, testOf } from './core/core.js';
import type { Access, Call, Requester } from './core/http.js';
import { DIALLED } from './core/known.js';
import { revive } from './core/revive.js';
import { takeOver } from './core/takeover.js';
import { ArionError, ChannelGone, ClientClosed, NotFound } from './errors.js';
import { type AnyEvent, EventStream, type StreamOptions } from './events.js';
import * as operations from './operations.js';
import type { Expectations, Patience } from './resources.js';
import type { Bridge, Channel, EventTypes, StasisReoffered, StasisStart } from './types.js';

const REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_URL = 'http://127.0.0.1:8088/ari';
const DEFAULT_USER = 'arion';
const RING_S = 30;

export type { Logger } from './core/core.js';

/** What a program does with one call. */
export type CallHandler = (channel: Channel, args: string[]) => Promise<void>;

/** What a program does with a call of another worker, which is gone. */
export type ReofferHandler = (event: StasisReoffered) => Promise<void>;

/** Where the server is and who asks; the environment's ARI_URL, ARI_USER and ARI_PASSWORD fill in. */
export interface ClientOptions extends Partial<Access> {
  /** for a request; 30,000 if absent */
  timeoutMs?: number;
  /** `console` if absent */
  logger?: Logger;
}

export interface RunOptions extends StreamOptions {
  /** ends it */
  signal?: AbortSignal;
  /**
   * What to do with a call of another worker, which is gone. By default two who talk go on until
   * one hangs up, a phone that was being called is hung up, and any other call begins anew: what
   * plays or is recorded stops, and the handler is called.
   */
  reoffered?: ReofferHandler;
}

export interface DialOptions {
  /** a channel on whose behalf it is; when it goes, so does the call */
  caller?: Channel;
  /** the application; by default the one whose events this client listens to */
  app?: string;
  appArgs?: string;
  /** what the endpoint shows; the caller's if there is one */
  callerId?: string;
  /** seconds to let it ring, 30 if absent */
  timeout?: number;
  variables?: Record<string, string>;
  formats?: string;
  /** stops waiting, and hangs up */
  signal?: AbortSignal;
}

/** A client of one server. */
export class Client implements Requester {
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
  /** @internal */
  readonly core: Core;

  /** @throws {TypeError} there is neither a password nor a token */
  constructor(options: ClientOptions = {}) {
    const environment = globalThis.process?.env ?? {};
    const { password = environment.ARI_PASSWORD, token } = options;
    if (password === undefined && token === undefined) {
      throw new TypeError('no password: give it, or set ARI_PASSWORD');
    }
    const access = {
      url: options.url ?? environment.ARI_URL ?? DEFAULT_URL,
      user: options.user ?? environment.ARI_USER ?? DEFAULT_USER,
      password,
      token,
    };
    this.logger = options.logger ?? console;
    this.core = new Core(access, options.timeoutMs ?? REQUEST_TIMEOUT_MS, this.logger);
  }

  /** The address of the interface. */
  get url(): string {
    return this.core.http.url;
  }

  /**
   * End all streams of events. What waits for an event of a channel ends with {@link ChannelGone},
   * and requests are refused with {@link ClientClosed}.
   */
  close(): void {
    this.core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  // events and calls

  /** Return the stream of events of one or more applications. */
  events(apps: string | string[], options: StreamOptions = {}): EventStream {
    return new EventStream(this, Array.isArray(apps) ? apps : [apps], options);
  }

  /**
   * Be an application: call a handler for every channel that enters it, until the signal aborts.
   *
   * A handler may end at any time with {@link ChannelGone} or {@link NotFound}: the caller hung up.
   * Another error is logged, and its call is ended. Channels that {@link dial} called are no new
   * calls.
   */
  async run(app: string, handler: CallHandler, options: RunOptions = {}): Promise<void> {
    const { signal, reoffered, ...how } = options;
    const stream = this.events(app, how);
    const stop = () => stream.close();
    signal?.addEventListener('abort', stop);
    try {
      if (signal?.aborted) return;
      for await (const event of stream) this.#begin(event, handler, reoffered);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #begin(event: AnyEvent, handler: CallHandler, reoffered: ReofferHandler | undefined): void {
    if (event.type === 'StasisReoffered') {
      const answer = reoffered ?? ((offer) => takeOver(offer, handler));
      void this.#mind(event.channel, () => answer(event));
    } else if (event.type === 'StasisStart') {
      const { channel, args } = event;
      const { known } = this.core;
      if (known.isStray(channel.id)) void this.#mind(channel, () => channel.hangup());
      else if (!known.wasDialled(channel.id)) void this.#mind(channel, () => handler(channel, args));
    }
  }

  /** Do something with a call; a failure ends the call, and nothing else. */
  async #mind(channel: Channel, handle: () => Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (error) {
      const isOver = [ChannelGone, NotFound, ClientClosed].some((kind) => error instanceof kind);
      if (isOver) return;
      this.logger.error(`the handler of call ${channel.id} failed`, error);
      await channel.hangup().catch((failure: unknown) => {
        if (!(failure instanceof ArionError)) throw failure;
        this.logger.warn(`hanging up ${channel.id}`, failure);
      });
    }
  }

  /**
   * Give a command, and wait for an event that it causes.
   *
   * @throws {TimedOut} it did not come in time
   */
  async expect<T extends keyof EventTypes>(
    types: T | T[],
    command: () => Promise<unknown>,
    options: Expectations<EventTypes[T]> = {},
  ): Promise<EventTypes[T]> {
    const wanted = testOf(types, options.where);
    return (await this.core.expect('', wanted, command, options.timeoutMs)) as EventTypes[T];
  }

  // what takes several requests

  /**
   * Call an endpoint; return its channel once it is answered and in the application.
   *
   * If nobody answers, or the program stops waiting, the channel is hung up. In an application that
   * is shared, name the caller: the channel comes to the worker that has the caller.
   *
   * @param endpoint such as `PJSIP/bob`
   * @throws {NotAnswered} busy, refused, unreachable or not answered in time; `cause` says so
   * @throws {ChannelGone} the caller gave up
   */
  async dial(endpoint: string, options: DialOptions = {}): Promise<Channel> {
    const { caller, app, timeout = RING_S, signal, ...rest } = options;
    const { known } = this.core;
    known.checkListening();
    signal?.throwIfAborted();
    const channelId = `${DIALLED}${crypto.randomUUID()}`;
    known.dial(channelId);
    const shown = caller && `${caller.caller.name} <${caller.caller.number}>`;
    let isAnswered = false;
    try {
      await this.channels.originate({
        endpoint,
        app: app ?? known.apps[0]?.[0],
        channelId,
        originator: caller?.id,
        callerId: shown,
        timeout,
        ...rest,
      });
      const start = await this.core.answered(channelId, caller?.id, timeout, signal);
      isAnswered = true;
      return (start as StasisStart).channel;
    } finally {
      if (!isAnswered) await this.core.giveUp(channelId);
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
   * Wait until one of these channels has ended or left the application; return it.
   *
   * @throws {TimedOut} none has in time
   */
  async firstGone(channels: Channel[], patience: Patience = {}): Promise<Channel> {
    const ids = channels.map(({ id }) => id);
    const { channelId } = await this.core.gone(ids, patience.timeoutMs);
    return channels.find(({ id }) => id === channelId) as Channel;
  }

  // requests

  /**
   * Send any request and return the value that answers it.
   *
   * @param operation what errors shall call it
   * @param path below the client's URL, such as `/channels`
   * @throws {ApiError} the server refused it
   * @throws {TimedOut} there was no answer in time
   * @throws {ConnectionFailed} the server can't be reached
   */
  async request<T>(operation: string, method: string, path: string, call: Call = {}): Promise<T> {
    const value = await this.core.request(operation, method, path, call);
    return (call.shape ? revive(value, call.shape, this) : value) as T;
  }

  /** Send a request and return the file that answers it. */
  download(operation: string, method: string, path: string, call: Call = {}): Promise<ArrayBuffer> {
    return this.request(operation, method, path, { ...call, binary: true });
  }
}
