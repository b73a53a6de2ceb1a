/**
 * Events of one channel and outcomes of playbacks and recordings, kept until they are asked for.
 *
 * The stream fills them before anybody else sees an event, whether or not somebody waits already.
 * That is why waiting has no race: what came between two steps of a program is still here.
 */

import { ChannelGone, TimedOut } from '../errors.js';

const MAX_EVENTS = 1_000; // of a channel that nobody reads; the oldest go
const MAX_OUTCOMES = 10_000; // of playbacks and recordings that nobody waits for

/** What inboxes hold. */
export interface Message {
  type: string;
  cause?: number;
  cause_txt?: string;
}

interface Waiter<E> {
  wanted: (event: E) => boolean;
  resolve: (event: E) => void;
  reject: (reason: Error) => void;
}

/** Events that are kept in order until they are taken. */
export class Inbox<E extends Message> {
  readonly channelId: string;
  readonly #test: ((event: E) => boolean) | undefined;
  #events: E[] = [];
  #waiters = new Set<Waiter<E>>();
  #isGone = false;
  #cause: [number, string] = [0, ''];

  /**
   * @param channelId the channel that they are about; empty for events of any
   * @param test what gets in
   */
  constructor(channelId = '', test?: (event: E) => boolean) {
    this.channelId = channelId;
    this.#test = test;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Add an event if it is one of those wanted here: the first who waits for it gets it. */
  put(event: E): void {
    if (event.type === 'ChannelDestroyed') this.#cause = [event.cause ?? 0, event.cause_txt ?? ''];
    if (this.#test && !this.#test(event)) return;
    for (const waiter of this.#waiters) {
      if (waiter.wanted(event)) {
        this.#waiters.delete(waiter);
        waiter.resolve(event);
        return;
      }
    }
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  /** Nothing more will come. */
  close(): void {
    this.#isGone = true;
    for (const waiter of this.#waiters) waiter.reject(this.#gone());
    this.#waiters.clear();
  }

  /**
   * Take the first event that is wanted, waiting for it if need be; others stay.
   *
   * @throws {ChannelGone} the channel ended and no such event is left
   * @throws {TimedOut} it did not come in time
   */
  take(wanted: (event: E) => boolean, timeoutMs?: number, signal?: AbortSignal): Promise<E> {
    const position = this.#events.findIndex(wanted);
    if (position >= 0) return Promise.resolve(this.#events.splice(position, 1)[0] as E);
    if (this.#isGone) return Promise.reject(this.#gone());
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stop = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', stop);
      };
      const waiter = {
        wanted,
        resolve: (event: E) => {
          stop();
          resolve(event);
        },
        reject: (reason: Error) => {
          stop();
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', stop);
      if (timeoutMs === undefined) return;
      timer = setTimeout(
        () => waiter.reject(new TimedOut(`the event did not come within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
  }

  /** Resolve when the channel is gone, with how it went; never if the signal aborts first. */
  gone(timeoutMs?: number, signal?: AbortSignal): Promise<ChannelGone> {
    return this.take(() => false, timeoutMs, signal).catch((error: unknown) => {
      if (error instanceof ChannelGone) return error;
      throw error;
    }) as Promise<ChannelGone>;
  }

  #gone(): ChannelGone {
    return new ChannelGone(this.channelId, ...this.#cause);
  }
}

/** How playbacks and recordings ended, by a key such as `playback:ID`. */
export class Outcomes {
  readonly #pending = new Map<string, Deferred>();

  /** Note that somebody may ask; call it before the command that leads to the outcome. */
  expect(key: string): Promise<unknown> {
    let found = this.#pending.get(key);
    if (!found) {
      found = new Deferred();
      this.#pending.set(key, found);
      if (this.#pending.size > MAX_OUTCOMES) {
        const [oldest] = this.#pending.keys();
        if (oldest !== undefined) this.forget(oldest);
      }
    }
    return found.promise;
  }

  has(key: string): boolean {
    return this.#pending.has(key);
  }

  /** Note an outcome, if it is expected; undefined if it happened unseen. */
  settle(key: string, outcome: unknown): void {
    this.#pending.get(key)?.settle(outcome);
  }

  /** Drop an outcome that has been told or never will be. */
  forget(key: string): void {
    this.#pending.get(key)?.settle(undefined);
    this.#pending.delete(key);
  }

  /** What has not ended yet. */
  pending(): string[] {
    return [...this.#pending].filter(([, found]) => !found.isSettled).map(([key]) => key);
  }
}

class Deferred {
  isSettled = false;
  settle!: (outcome: unknown) => void;
  readonly promise = new Promise<unknown>((resolve) => {
    this.settle = (outcome) => {
      this.isSettled = true;
      resolve(outcome);
    };
  });
}
