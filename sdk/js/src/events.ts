/** The stream of events: one WebSocket, connected again when it breaks. */

import { openSocket } from '#websocket';

import type { Client } from './client.js';
import { revive } from './core/revive.js';
import { apiError, type ArionError, ConnectionFailed, EventsOverflow } from './errors.js';
import type { Socket, SocketEnd } from './internal/socket.js';
import type { EventBase, EventTypes, KnownEvent } from './types.js';

const FIRST_DELAY_MS = 100; // before the first attempt to connect again; doubles
const LONGEST_DELAY_MS = 10_000;
const MAX_WAITING = 10_000; // events that an iterating program has not taken

/**
 * Whatever comes. Compare `type` to find out which; every type has its own members. A newer server
 * may send types that are not here: they come through all the same.
 */
export type AnyEvent = KnownEvent;

export interface StreamOptions {
  /** also events that belong to no application */
  subscribeAll?: boolean;
  /** connect again when the connection breaks or can't be made; true if absent */
  reconnect?: boolean;
  /**
   * have the server keep what happens while the connection is broken, and send it then, in order.
   * Only an Arion server can; without it a broken connection loses events.
   */
  resume?: boolean;
}

type Listener = (event: never) => void;
type Taker = (result: IteratorResult<AnyEvent>) => void;

/**
 * The events of one or more applications.
 *
 * Iterate over it with `for await`, or register listeners with {@link on}. `open()` resolves once
 * it is connected, so that nothing that follows can be missed; iterating opens it too.
 */
export class EventStream implements AsyncIterable<AnyEvent> {
  readonly #client: Client;
  readonly #apps: string[];
  readonly #options: StreamOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  #socket: Socket | undefined;
  #opening: Promise<void> | undefined;
  #isConnected = false;
  #isClosed = false;
  #failure: ArionError | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = FIRST_DELAY_MS;
  #lastSeq: number | undefined;
  // for those who iterate
  #waiting: AnyEvent[] = [];
  #takers: { take: Taker; fail: (reason: Error) => void }[] = [];
  #isIterated = false;

  constructor(client: Client, apps: string[], options: StreamOptions) {
    if (!apps.length) throw new TypeError('an application is needed');
    this.#client = client;
    this.#apps = apps;
    this.#options = options;
  }

  /**
   * Connect, once.
   *
   * @throws {ApiError} the server refused the applications or the user
   * @throws {ConnectionFailed} it can't be reached, and the stream does not reconnect
   */
  open(): Promise<void> {
    this.#opening ??= new Promise((resolve, reject) => {
      this.#client.streamOpened();
      this.#connect(resolve, reject);
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

  // connecting

  #connect(resolve: () => void, reject: (reason: Error) => void): void {
    const { http } = this.#client;
    const url = new URL(`${http.url.replace(/^http/, 'ws')}/events`);
    url.searchParams.set('app', this.#apps.join(','));
    if (this.#options.subscribeAll) url.searchParams.set('subscribeAll', 'true');
    if (this.#options.resume) url.searchParams.set('resume', String(this.#lastSeq ?? 'new'));
    const { authorization, credentialQuery } = http;
    this.#socket = openSocket(
      { url: url.toString(), authorization, credentialQuery },
      {
        onOpen: () => {
          const isFirst = !this.#isConnected;
          this.#isConnected = true;
          this.#delayMs = FIRST_DELAY_MS;
          if (isFirst) resolve();
          else if (!this.#options.resume) void this.#client.catchUp();
        },
        onMessage: (text) => this.#receive(text),
        onClose: (end) => this.#onClose(end, resolve, reject),
      },
    );
  }

  #onClose(end: SocketEnd, resolve: () => void, reject: (reason: Error) => void): void {
    if (this.#isClosed) return;
    const reason = end.reason || `code ${end.code}`;
    if (end.status && end.status >= 400 && end.status < 500) {
      this.#fail(apiError(end.status, reason, 'events.eventWebsocket'), reject);
    } else if (this.#options.reconnect === false) {
      this.#fail(new ConnectionFailed(`events: ${reason}`), reject);
    } else {
      const delay = this.#delayMs * (0.5 + Math.random() / 2);
      this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
      this.#client.logger.warn(`events: ${reason}; connecting again in ${Math.round(delay)} ms`);
      this.#timer = setTimeout(() => this.#connect(resolve, reject), delay);
    }
  }

  #fail(failure: ArionError, reject: (reason: Error) => void): void {
    reject(failure);
    this.#end(failure);
  }

  #end(failure: ArionError | undefined): void {
    this.#isClosed = true;
    this.#failure = failure;
    clearTimeout(this.#timer);
    if (this.#opening) this.#client.streamClosed();
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
      const data = JSON.parse(text) as EventBase & { seq?: unknown };
      if (typeof data.type !== 'string') throw new TypeError('no type');
      if (typeof data.seq === 'number') this.#lastSeq = data.seq;
      event = revive(data, data.type, this.#client) as AnyEvent;
    } catch {
      this.#client.logger.warn(`ignored a message that is no event: ${text.slice(0, 200)}`);
      return;
    }
    this.#client.note(event);
    this.#call(event.type, event);
    this.#call('*', event);
    if (this.#isIterated) this.#hand(event);
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
    if (this.#waiting.length > MAX_WAITING) {
      this.#end(new EventsOverflow(`more than ${MAX_WAITING} events wait to be taken`));
    }
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
