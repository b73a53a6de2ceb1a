/** The stream of events: one WebSocket, connected again when it breaks, resumed if that is wanted. */

import { openSocket } from '#websocket';

import type { Client } from './client.js';
import { apiError } from './core/refusals.js';
import { revive } from './core/revive.js';
import { ArionError, BadRequest, ConnectionFailed, NotSupported } from './errors.js';
import type { Socket, SocketEnd } from './internal/socket.js';
import type { EventBase, EventTypes, KnownEvent } from './types.js';

const FIRST_DELAY_MS = 100; // before the first attempt to connect again; doubles
const LONGEST_DELAY_MS = 10_000;
const MAX_WAITING = 10_000; // events that the program has not taken; then the oldest go
const OPERATION = 'events.eventWebsocket';

/**
 * Whatever comes. Compare `type` to find out which; every type has its own members. A newer server
 * may send types that are not here: they come through all the same.
 */
export type AnyEvent = KnownEvent;

/** This program's part of an application that several programs share. */
export interface Share {
  /**
   * its name among them, made up if absent; a program that comes again under the same name has the
   * calls that it had
   */
  worker?: string;
  /** its part of new calls, in relation to the others; 1 if absent */
  weight?: number;
}

export interface StreamOptions {
  /** also events that belong to no application */
  subscribeAll?: boolean;
  /** connect again when the connection breaks or can't be made; true if absent */
  reconnect?: boolean;
  /**
   * `auto`: have the server repeat what was missed while the connection was broken, if it can
   * (Arion can, Asterisk can't); `always`: insist on it; `off` if absent
   */
  resume?: 'off' | 'auto' | 'always';
  /**
   * share the applications with other programs: each call belongs to one of them. The stream breaks
   * off with {@link NotSupported} if the server can't do that.
   */
  share?: Share;
  /** more query parameters, of a server that has some */
  extra?: Record<string, string>;
}

type Listener = (event: never) => void;
type Taker = (result: IteratorResult<AnyEvent>) => void;

/**
 * The events of one or more applications.
 *
 * Iterate over it with `for await`, or register listeners with {@link on}. `open()` resolves once
 * it is connected, so that nothing that follows can be missed; iterating opens it too. While the
 * program does not take events, the latest 10,000 are kept.
 */
export class EventStream implements AsyncIterable<AnyEvent> {
  readonly #client: Client;
  readonly #apps: string[];
  readonly #options: StreamOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #worker: string;
  #socket: Socket | undefined;
  #opening: Promise<void> | undefined;
  #settle: { resolve: () => void; reject: (reason: Error) => void } | undefined;
  #isConnected = false;
  #isClosed = false;
  #failure: ArionError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = FIRST_DELAY_MS;
  // resuming
  #resumes: boolean;
  #isServerKnown: boolean;
  #lastSeq: number | undefined;
  // for those who iterate
  #waiting: AnyEvent[] = [];
  #takers: { take: Taker; fail: (reason: Error) => void }[] = [];
  #isIterated = false;
  #dropped = 0;

  /** @internal */
  constructor(client: Client, apps: string[], options: StreamOptions) {
    if (!apps.length) throw new TypeError('an application is needed');
    this.#client = client;
    this.#apps = apps;
    this.#options = options;
    this.#worker = options.share?.worker ?? `worker-${crypto.randomUUID()}`;
    this.#resumes = options.resume === 'always';
    this.#isServerKnown = options.resume !== 'auto' && !options.share;
  }

  /** How many events were thrown away because the program did not take them. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Connect, once.
   *
   * @throws {ApiError} the server refused the applications or the user
   * @throws {ConnectionFailed} it can't be reached, and the stream does not reconnect
   */
  open(): Promise<void> {
    this.#opening ??= new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#client.core.known.apps.push(this.#apps);
      this.#client.core.streams.add(this);
      void this.#connect();
    });
    return this.#opening;
  }

  /** Disconnect the applications. */
  close(): void {
    if (!this.#isClosed) this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Call a listener with each event of a type, or with every event for `*`. Returns the undoing. */
  on<T extends keyof EventTypes>(type: T, listener: (event: EventTypes[T]) => void): () => void;
  on(type: '*', listener: (event: AnyEvent) => void): () => void;
  on(type: string, listener: (event: EventBase) => void): () => void;
  on(type: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<AnyEvent> {
    this.#isIterated = true;
    return {
      next: async () => {
        await this.open();
        return this.#next();
      },
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Yield the events of these types and pass over all others. */
  async *only<T extends keyof EventTypes>(...types: T[]): AsyncGenerator<EventTypes[T], void> {
    const wanted = new Set<string>(types);
    for await (const event of this) if (wanted.has(event.type)) yield event as EventTypes[T];
  }

  /**
   * Have the server give this worker of a shared application no new calls. It keeps those that it
   * has, and gets some if there is no other worker.
   *
   * @throws {TypeError} the stream is not shared
   */
  async drain(): Promise<void> {
    for (const app of this.#shared()) {
      await this.#client.applications.drainWorker(app, this.#worker);
    }
  }

  /**
   * Take that back.
   *
   * @throws {TypeError} the stream is not shared
   */
  async undrain(): Promise<void> {
    for (const app of this.#shared()) {
      await this.#client.applications.undrainWorker(app, this.#worker);
    }
  }

  #shared(): string[] {
    if (!this.#options.share) throw new TypeError('only a worker of a shared application can drain');
    return this.#apps;
  }

  // connecting

  async #connect(): Promise<void> {
    try {
      if (!this.#isServerKnown) await this.#findOutAboutServer();
    } catch (error) {
      if (!(error instanceof ArionError)) throw error;
      if (error instanceof ConnectionFailed) this.#retry(error.message);
      else this.#end(error);
      return;
    }
    if (this.#isClosed) return;
    const { authorization, credentialQuery } = this.#client.core.http;
    this.#socket = openSocket(
      { url: this.#address(), authorization, credentialQuery },
      {
        onOpen: () => this.#onOpen(),
        onMessage: (text) => this.#receive(text),
        onClose: (end) => this.#onClose(end),
      },
    );
  }

  async #findOutAboutServer(): Promise<void> {
    const declared = await this.#client.core.declared();
    if (this.#options.share && !declared.has('share')) {
      throw new NotSupported(501, 'the server does not share applications', OPERATION);
    }
    if (this.#options.resume === 'auto') this.#resumes = declared.has('resume');
    this.#isServerKnown = true;
  }

  #address(): string {
    const url = new URL(`${this.#client.url.replace(/^http/, 'ws')}/events`);
    const query = url.searchParams;
    query.set('app', this.#apps.join(','));
    for (const [name, value] of Object.entries(this.#options.extra ?? {})) query.set(name, value);
    if (this.#options.subscribeAll) query.set('subscribeAll', 'true');
    if (this.#options.share) {
      query.set('share', 'true');
      query.set('worker', this.#worker);
      query.set('weight', String(this.#options.share.weight ?? 1));
    }
    if (this.#resumes) query.set('resume', String(this.#lastSeq ?? 'new'));
    return url.toString();
  }

  #onOpen(): void {
    const isFirst = !this.#isConnected;
    this.#isConnected = true;
    this.#delayMs = FIRST_DELAY_MS;
    if (isFirst) this.#settle?.resolve();
    else if (!this.#resumes) void this.#noteReconnection();
  }

  async #noteReconnection(): Promise<void> {
    await this.#client.core.catchUp();
    const [application = ''] = this.#apps;
    this.#deliver({ type: 'Reconnected', application, timestamp: new Date().toISOString() });
  }

  #onClose(end: SocketEnd): void {
    if (this.#isClosed) return;
    const reason = end.reason || `code ${end.code}`;
    if (!end.status || end.status < 400 || end.status >= 500) {
      this.#retry(`events: ${reason}`);
      return;
    }
    const refusal = apiError(end.status, reason, OPERATION);
    const { resume, share } = this.#options;
    if (refusal instanceof BadRequest && this.#resumes && resume !== 'always' && !share) {
      this.#client.logger.warn('the server refuses to resume events; going on without');
      this.#resumes = false;
      void this.#connect();
    } else {
      this.#end(refusal);
    }
  }

  #retry(reason: string): void {
    if (this.#isClosed) return;
    if (this.#options.reconnect === false) {
      this.#end(new ConnectionFailed(reason));
      return;
    }
    const delay = this.#delayMs * (0.5 + Math.random() / 2);
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
    this.#client.logger.warn(`${reason}; connecting again in ${Math.round(delay)} ms`);
    this.#timer = setTimeout(() => void this.#connect(), delay);
  }

  #end(failure: ArionError | undefined): void {
    this.#isClosed = true;
    this.#failure = failure;
    clearTimeout(this.#timer);
    const { known, streams } = this.#client.core;
    if (streams.delete(this)) known.apps.splice(known.apps.indexOf(this.#apps), 1);
    if (!known.apps.length) known.loseAll();
    if (failure) this.#settle?.reject(failure);
    else this.#settle?.resolve();
    this.#socket?.close();
    for (const { take, fail } of this.#takers.splice(0)) {
      if (failure) fail(failure);
      else take({ done: true, value: undefined });
    }
  }

  // events

  #receive(text: string): void {
    let event: AnyEvent;
    try {
      const data = JSON.parse(text) as EventBase;
      if (typeof data.type !== 'string') throw new TypeError('no type');
      if (this.#wasSeen(data)) return;
      event = revive(data, data.type, this.#client) as AnyEvent;
    } catch {
      this.#client.logger.warn(`ignored a message that is no event: ${text.slice(0, 200)}`);
      return;
    }
    this.#client.core.known.note(event);
    if (event.type === 'Resync' && event.reason !== 'new') {
      this.#client.logger.warn(`events were lost: ${event.reason}`);
      void this.#client.core.catchUp();
    }
    this.#deliver(event);
  }

  /** Note the sequence number; one that came before comes again only by mistake. */
  #wasSeen({ type, seq }: EventBase): boolean {
    if (!this.#resumes || typeof seq !== 'number') return false;
    if (type !== 'Resync' && this.#lastSeq !== undefined && seq <= this.#lastSeq) return true;
    this.#lastSeq = seq;
    return false;
  }

  #deliver(event: AnyEvent): void {
    if (this.#isClosed) return;
    this.#call(event.type, event);
    this.#call('*', event);
    if (this.#isIterated || !this.#listeners.size) this.#hand(event);
  }

  #call(type: string, event: AnyEvent): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        listener(event as never);
      } catch (error) {
        this.#client.logger.error(`a listener of ${type} failed`, error);
      }
    }
  }

  #hand(event: AnyEvent): void {
    const taker = this.#takers.shift();
    if (taker) {
      taker.take({ done: false, value: event });
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length <= MAX_WAITING) return;
    if (!this.#dropped) {
      this.#client.logger.warn(`events are not taken: the oldest of ${MAX_WAITING} go`);
    }
    this.#dropped += 1;
    this.#waiting.shift();
  }

  #next(): Promise<IteratorResult<AnyEvent>> {
    const value = this.#waiting.shift();
    if (value) return Promise.resolve({ done: false, value });
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isClosed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((take, fail) => {
      this.#takers.push({ take, fail });
    });
  }
}
