/**
 * What is known of channels, playbacks and recordings from the stream of events.
 *
 * The stream fills this before anybody else sees an event, whether or not somebody waits already.
 * That is why waiting has no race: what came between two steps of a program is still here.
 */

import { ChannelGone, WaitTimeout } from '../errors.js';

const MAX_EVENTS = 1_000; // of a channel that nobody reads; the oldest go
const MAX_OUTCOMES = 10_000; // of playbacks and recordings that nobody waits for

interface Waiter<E> {
  wanted: (event: E) => boolean;
  resolve: (event: E) => void;
  reject: (reason: Error) => void;
}

/** The events of one channel, in order. */
export class Inbox<E> {
  #events: E[] = [];
  #waiters = new Set<Waiter<E>>();
  #isGone = false;

  /** Add an event: the first who waits for it gets it. */
  put(event: E): void {
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
    for (const waiter of this.#waiters) waiter.reject(gone());
    this.#waiters.clear();
  }

  /**
   * Take the first event that is wanted, waiting for it if need be; others stay.
   *
   * @throws {ChannelGone} the channel ended and no such event is left
   * @throws {WaitTimeout} it did not come in time
   */
  take(wanted: (event: E) => boolean, timeoutMs?: number): Promise<E> {
    const position = this.#events.findIndex(wanted);
    if (position >= 0) return Promise.resolve(this.#events.splice(position, 1)[0] as E);
    if (this.#isGone) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      const waiter = { wanted, resolve, reject };
      this.#waiters.add(waiter);
      if (timeoutMs === undefined) return;
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new WaitTimeout(`nothing came in ${timeoutMs} ms`));
      }, timeoutMs);
      waiter.resolve = (event) => {
        clearTimeout(timer);
        resolve(event);
      };
      waiter.reject = (reason) => {
        clearTimeout(timer);
        reject(reason);
      };
    });
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

function gone(): ChannelGone {
  return new ChannelGone('the channel ended or left the application');
}
