/** The Python test kit as a child process: a line of JSON for each request and each answer. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { CallFailed, NotHeard, TestKitError, TestKitMissing } from './errors.js';

const STOP_MS = 30_000;
const MAX_COMPLAINT = 4_000; // characters of what the child says on its way out
const INSTALL =
  'arion/testing runs its server and phones with Python 3.11 or newer and its package arion ' +
  '(pip install arion); the option python, or ARION_PYTHON, says which Python';

interface Answer {
  id: number;
  result?: unknown;
  error?: { kind: string; message: string; status?: number };
}

interface Waiter {
  resolve(result: unknown): void;
  reject(reason: Error): void;
}

/** Where a child's process and pipes keep this one alive, or not. */
interface Held {
  ref?(): void;
  unref?(): void;
}

/** The child. It ends, and takes its server along, when its input ends: also if we are killed. */
export class Remote {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #python: string;
  readonly #waiters = new Map<number, Waiter>();
  readonly #exited: Promise<number | undefined>;
  #count = 0;
  #complaint = '';
  #failure: TestKitError | undefined;

  constructor(python: string) {
    this.#python = python;
    this.#child = spawn(python, ['-m', 'arion.testing.remote'], { stdio: 'pipe' });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        this.#fail(this.#notStarted(error));
        resolve(undefined);
      });
      this.#child.once('close', (code, signal) => {
        this.#fail(this.#ended(code, signal));
        resolve(code ?? undefined);
      });
    });
    this.#child.stdin.on('error', () => {}); // it ended: 'close' tells why
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    this.#hold();
  }

  /**
   * Have something done.
   *
   * @throws {TestKitError} it could not be done
   */
  request<T>(verb: string, args: object = {}, phone?: string): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = (this.#count += 1);
    const request = { id, do: verb, with: args, ...(phone === undefined ? {} : { phone }) };
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve: (result) => resolve(result as T), reject });
      this.#hold();
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** End the child and its server; return its exit code. */
  async close(): Promise<number | undefined> {
    this.#child.ref();
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    try {
      return await this.#exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(line: string): void {
    const { id, result, error } = JSON.parse(line) as Answer;
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    if (error) waiter?.reject(errorOf(error));
    else waiter?.resolve(result);
    this.#hold();
  }

  #fail(failure: TestKitError): void {
    this.#failure ??= failure;
    for (const waiter of this.#waiters.values()) waiter.reject(failure);
    this.#waiters.clear();
    this.#hold();
  }

  /** A program may end while nothing is asked of the child, and only then. */
  #hold(): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const held of [this.#child, stdin, stdout, stderr] as Held[]) {
      if (this.#waiters.size) held.ref?.();
      else held.unref?.();
    }
  }

  #notStarted(error: NodeJS.ErrnoException): TestKitError {
    if (error.code !== 'ENOENT') return new TestKitError(error.message, { cause: error });
    return new TestKitMissing(`there is no ${this.#python}: ${INSTALL}`, { cause: error });
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): TestKitError {
    if (/No module named|Error while finding module/.test(this.#complaint)) {
      return new TestKitMissing(`${this.#python}: ${this.#complaint.trim()}: ${INSTALL}`);
    }
    return new TestKitError(`the test kit ended (${signal ?? code})\n${this.#complaint}`.trim());
  }
}

function errorOf({ kind, message, status }: NonNullable<Answer['error']>): TestKitError {
  if (kind === 'NotHeard') return new NotHeard(message);
  if (kind === 'CallFailed') return new CallFailed(message, status ?? 0);
  return new TestKitError(`${kind}: ${message}`);
}
