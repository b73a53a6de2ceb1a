/** What a client does on the wire, and what it knows of channels from the events. */

import {
  ArionError,
  ApiError,
  ChannelGone,
  ClientClosed,
  Conflict,
  ConnectionFailed,
  NotAnswered,
  NotFound,
  ServerFailed,
  TimedOut,
} from '../errors.js';
import type { AnyEvent } from '../events.js';
import type { EventTypes } from '../types.js';
import { type Access, type Call, Http } from './http.js';
import { Inbox } from './inbox.js';
import { Known } from './known.js';

const LEAVING_MS = 500; // within which the end of a channel that left is told
const OVERTIME_MS = 5_000; // that a dialled call may take longer than the server was told
const NOT_IN_STASIS = /not in Stasis/i; // how Asterisk and Arion word a 409 of a channel

export type Test = (event: AnyEvent) => boolean;

/** Where messages for people go; `console` is one. */
export interface Logger {
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** What a client closes with itself. */
export interface Closable {
  close(): void;
}

/** Requests to one server, and what is known from its events. */
export class Core {
  readonly known = new Known();
  readonly streams = new Set<Closable>();
  readonly http: Http;
  readonly logger: Logger;
  #isClosed = false;

  constructor(access: Access, timeoutMs: number, logger: Logger) {
    this.http = new Http(access, timeoutMs);
    this.logger = logger;
  }

  /** End streams and whatever waits. */
  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.streams]) stream.close();
    this.known.loseAll();
  }

  // requests

  /** Send a request and return the value, or the file, that answers it. */
  async request(operation: string, method: string, path: string, call: Call): Promise<unknown> {
    if (this.#isClosed) throw new ClientClosed('the client is closed');
    try {
      return await this.http.send(operation, method, path, call);
    } catch (error) {
      if (error instanceof Conflict && NOT_IN_STASIS.test(error.reason)) {
        await this.#throwIfLeaving(path);
      }
      throw error;
    }
  }

  /** Tell a command that came too late from one that never made sense. */
  async #throwIfLeaving(path: string): Promise<void> {
    const [, tag, id = ''] = path.split('/');
    const inbox = tag === 'channels' ? this.known.find(decodeURIComponent(id)) : undefined;
    if (!inbox) return;
    const gone = await inbox.gone(LEAVING_MS).catch(() => undefined);
    if (gone) throw gone;
  }

  /**
   * Return the query parameters of the events that the server's own specification has.
   *
   * @throws {ConnectionFailed} the server can't be asked now
   */
  async declared(): Promise<Set<string>> {
    for (const place of ['/api-docs/openapi.json', '/openapi.json']) {
      try {
        const document = (await this.request('openapi', 'GET', place, {})) as Specification;
        return new Set(document.paths['/events'].get.parameters.map(({ name }) => name));
      } catch (error) {
        if (error instanceof TimedOut || error instanceof ServerFailed) {
          throw new ConnectionFailed(error.message, { cause: error });
        }
        if (error instanceof ArionError && !(error instanceof ApiError)) throw error;
      }
    }
    return new Set();
  }

  // events of channels

  /** Return the inbox of a channel; closed if there is no such channel. */
  async inbox(id: string): Promise<Inbox<AnyEvent>> {
    this.known.checkListening();
    const { inbox, isNew } = this.known.inbox(id);
    if (isNew) await this.#loseIfOver(id);
    return inbox;
  }

  /** Wait for an event of a channel and remove it from the inbox. */
  async take(id: string, wanted: Test, timeoutMs?: number): Promise<AnyEvent> {
    return (await this.inbox(id)).take(wanted, timeoutMs);
  }

  /** Wait until one of these channels is gone. */
  async gone(ids: string[], timeoutMs?: number): Promise<ChannelGone> {
    const inboxes = await Promise.all(ids.map((id) => this.inbox(id)));
    return race(inboxes.map((inbox) => (signal) => inbox.gone(timeoutMs, signal)));
  }

  /** @throws {ChannelGone} one of these channels is not there */
  async throwIfGone(ids: string[]): Promise<void> {
    for (const id of ids) {
      if (!this.known.find(id)?.isGone) await this.#loseIfOver(id);
      if (this.known.find(id)?.isGone) throw new ChannelGone(id);
    }
  }

  /**
   * Wait for an event that a command causes.
   *
   * @param id whose event; empty for any
   */
  async expect(
    id: string,
    wanted: Test,
    command: () => Promise<unknown>,
    timeoutMs?: number,
  ): Promise<AnyEvent> {
    this.known.checkListening();
    const watch = new Inbox<AnyEvent>(id, wanted);
    this.known.watch(watch);
    try {
      if (id && (await this.inbox(id)).isGone) watch.close();
      await command();
      return await watch.take(() => true, timeoutMs);
    } finally {
      this.known.unwatch(watch);
    }
  }

  // dialling

  /**
   * Wait until a channel that is dialled enters the application.
   *
   * @param callerId a channel that must stay meanwhile
   * @throws {NotAnswered} nobody took the call
   * @throws {ChannelGone} the caller gave up
   */
  async answered(
    id: string,
    callerId: string | undefined,
    timeout: number,
    signal?: AbortSignal,
  ): Promise<AnyEvent> {
    const { inbox } = this.known.inbox(id);
    const caller = callerId === undefined ? undefined : await this.inbox(callerId);
    const isStart: Test = ({ type }) => type === 'StasisStart';
    try {
      const first = await race<AnyEvent | ChannelGone>(
        [
          (stop) => inbox.take(isStart, timeout * 1000 + OVERTIME_MS, stop),
          ...(caller ? [(stop: AbortSignal) => caller.gone(undefined, stop)] : []),
        ],
        signal,
      );
      if (first instanceof ChannelGone) throw first;
      return first;
    } catch (error) {
      if (error instanceof TimedOut) throw new NotAnswered(id);
      if (error instanceof ChannelGone && error.channelId === id) {
        throw new NotAnswered(id, error.cause, error.causeTxt);
      }
      throw error;
    }
  }

  /** Hang up a channel that was dialled in vain. */
  async giveUp(id: string): Promise<void> {
    try {
      await this.request('channels.hangup', 'DELETE', `/channels/${encodeURIComponent(id)}`, {});
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
      await this.#loseIfOver(id);
    }
  }

  // outcomes of playbacks and recordings

  /** Have an outcome noted from before the command on, unless the command fails. */
  async expecting<T>(key: string, command: () => Promise<T>): Promise<T> {
    this.known.outcomes.forget(key);
    void this.known.outcomes.expect(key);
    try {
      return await command();
    } catch (error) {
      this.known.outcomes.forget(key);
      throw error;
    }
  }

  /**
   * Wait for an outcome; undefined if it happened unseen.
   *
   * @throws {TimedOut} it did not come in time
   */
  async outcome(key: string, timeoutMs?: number): Promise<unknown> {
    this.known.checkListening();
    const { outcomes } = this.known;
    if (!outcomes.has(key)) {
      // It was started elsewhere, or the outcome was told before.
      void outcomes.expect(key);
      await this.#settleIfOver(key);
    }
    const outcome = await within(outcomes.expect(key), timeoutMs, key);
    outcomes.forget(key);
    return outcome;
  }

  // after the connection broke

  /** Find out, after a reconnection, what ended meanwhile. */
  async catchUp(): Promise<void> {
    await Promise.all([
      ...this.known.outcomes.pending().map((key) => this.#settleIfOver(key)),
      ...this.known.channels().map((id) => this.#loseIfOver(id)),
    ]);
  }

  async #loseIfOver(id: string): Promise<void> {
    try {
      await this.request('channels.get', 'GET', `/channels/${encodeURIComponent(id)}`, {});
    } catch (error) {
      if (error instanceof NotFound) this.known.lose(id);
      else this.logger.warn(`channel ${id}`, error);
    }
  }

  async #settleIfOver(key: string): Promise<void> {
    const [kind, name] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
    const place = kind === 'playback' ? '/playbacks' : '/recordings/live';
    try {
      await this.request(`${kind}s.get`, 'GET', `${place}/${encodeURIComponent(name)}`, {});
    } catch (error) {
      if (error instanceof NotFound) this.known.outcomes.settle(key, undefined);
      else this.logger.warn(key, error);
    }
  }
}

interface Specification {
  paths: { '/events': { get: { parameters: { name: string }[] } } };
}

/** Return or throw what the first one that ends does; the others, told so, stop waiting. */
async function race<T>(
  waits: ((signal: AbortSignal) => Promise<T>)[],
  outer?: AbortSignal,
): Promise<T> {
  const stopping = new AbortController();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(outer?.reason as Error);
    if (outer?.aborted) onAbort();
    else outer?.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([...waits.map((wait) => wait(stopping.signal)), aborted]);
  } finally {
    stopping.abort();
    if (onAbort) outer?.removeEventListener('abort', onAbort);
  }
}

/** @throws {TimedOut} it took longer */
async function within<T>(promise: Promise<T>, timeoutMs: number | undefined, what: string) {
  if (timeoutMs === undefined) return promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = new TimedOut(`${what} did not end within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(failure), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Return the test whether an event is of one of these types; without any, all are. */
export function testOf<T extends keyof EventTypes>(
  types: T | T[],
  where?: (event: EventTypes[T]) => boolean,
): Test {
  const wanted = new Set<string>(Array.isArray(types) ? types : [types]);
  return (event) =>
    (!wanted.size || wanted.has(event.type)) && (!where || where(event as EventTypes[T]));
}
