/** A phone that follows a script. */

import type { Remote } from './remote.js';

/** The name of one of the server's sounds, or a wav file: mono, 16 bits, 8 kHz. */
export type Sound = string | { file: string };

export interface Patience {
  /** 10,000 if absent */
  timeoutMs?: number;
}

/**
 * A phone that is registered with the server. Its verbs act on the latest call; each rejects with
 * {@link TestKitError} if there is none.
 */
export class Phone {
  readonly name: string;
  readonly #remote: Remote;

  /** @internal */
  constructor(remote: Remote, name: string) {
    this.#remote = remote;
    this.name = name;
  }

  /**
   * Dial, and resolve when the far end answered; without a timeout it has 32 s.
   *
   * @throws {CallFailed} it refused, or did not answer in time
   */
  async call(number: string, patience: Patience = {}): Promise<void> {
    await this.#do('call', { number }, patience);
  }

  /**
   * Wait for a call and let it ring.
   *
   * @throws {NotHeard} none came
   */
  async rings(patience: Patience = {}): Promise<void> {
    await this.#do('rings', {}, patience);
  }

  /**
   * Take the call that rings, or the next one that comes in.
   *
   * @throws {NotHeard} none came
   */
  async answer(patience: Patience = {}): Promise<void> {
    await this.#do('answer', {}, patience);
  }

  /** Refuse the call that rings. */
  async reject(status = 486, reason = 'Busy Here'): Promise<void> {
    await this.#do('reject', { status, reason });
  }

  /** Press keys; resolves when the last one was sent. */
  async press(keys: string): Promise<void> {
    await this.#do('press', { keys });
  }

  /** Speak; resolves when it was said. */
  async says(sound: Sound): Promise<void> {
    await this.#do('says', typeof sound === 'string' ? { sound } : sound);
  }

  /**
   * Listen until a prompt was heard; the next one is looked for after it.
   *
   * @throws {NotHeard} it was not, in time or before the call ended
   */
  async hears(prompt: Sound, options: Patience & { whole?: boolean } = {}): Promise<void> {
    const { whole = true, ...patience } = options;
    const sound = typeof prompt === 'string' ? { prompt } : prompt;
    await this.#do('hears', { ...sound, whole }, patience);
  }

  /**
   * Listen until a tone was heard.
   *
   * @throws {NotHeard} it was not
   */
  async hearsTone(hz: number, patience: Patience = {}): Promise<void> {
    await this.#do('hears_tone', { hz }, patience);
  }

  /**
   * Listen until nothing was heard for so long.
   *
   * @throws {NotHeard} it did not get quiet
   */
  async hearsSilence(durationMs = 200, patience: Patience = {}): Promise<void> {
    await this.#do('hears_silence', { seconds: durationMs / 1000 }, patience);
  }

  /**
   * Wait until the far end hung up.
   *
   * @throws {NotHeard} it did not
   */
  async hearsHangup(patience: Patience = {}): Promise<void> {
    await this.#do('hears_hangup', {}, patience);
  }

  /** End the call; one that is not answered yet is given up. */
  async hangUp(): Promise<void> {
    await this.#do('hang_up');
  }

  #do(verb: string, args: object = {}, { timeoutMs }: Patience = {}): Promise<unknown> {
    const timeout = timeoutMs === undefined ? {} : { timeout: timeoutMs / 1000 };
    return this.#remote.request(verb, { ...args, ...timeout }, this.name);
  }
}
