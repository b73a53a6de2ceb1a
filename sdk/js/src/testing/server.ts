/** A server for tests. */

import { type CallHandler, Client } from '../client.js';
import { ChannelGone, NotFound } from '../errors.js';
import { TestKitError } from './errors.js';
import { type Patience, Phone } from './phone.js';
import { Remote } from './remote.js';

const REGISTER_MS = 10_000;
const POLL_MS = 20;

export interface ServerOptions {
  /**
   * Numbers that the phones can dial, and what happens then, such as `{ 1000: 'Stasis(hello)' }`;
   * or the text of an extensions.conf. Phones can always call each other by name.
   */
  dialplan?: Record<string, string> | string;
  /** names of the phones; alice, bob and carol if absent */
  phones?: string[];
  /** sounds to make up: short, and each like no other */
  prompts?: string[];
  /** a folder of real sounds instead, with a folder for each language */
  sounds?: string;
  /** text to add to configuration files, by their name */
  files?: Record<string, string>;
  /** the server; the one of the Python environment, or on the path, if absent */
  executable?: string;
  /** Python 3.11 or newer that has the package arion; `ARION_PYTHON` or `python3` if absent */
  python?: string;
}

/** An application that runs in the test. */
export interface RunningApp extends AsyncDisposable {
  readonly client: Client;
  /** End it. Rejects with what its handler threw first, if it did. */
  close(): Promise<void>;
}

interface Description {
  url: string;
  user: string;
  password: string;
  folder: string;
  recordings: string;
}

/**
 * Start a server on free ports, with a folder of its own; resolves when it answers.
 *
 * @throws {TestKitMissing} Python, or its package arion, is not there
 * @throws {TestKitError} there is no server to start, or it ended
 */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { python = process.env.ARION_PYTHON || 'python3', ...config } = options;
  const remote = new Remote(python);
  try {
    return new TestServer(remote, await remote.request<Description>('start', config));
  } catch (error) {
    await remote.close();
    throw error;
  }
}

/** A server that runs until `close()`, or until this program ends. */
export class TestServer implements AsyncDisposable {
  /** of the REST interface */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** where it keeps everything; removed when it stops */
  readonly folder: string;
  /** where it keeps recordings */
  readonly recordings: string;
  readonly #remote: Remote;

  /** @internal */
  constructor(remote: Remote, description: Description) {
    this.#remote = remote;
    this.url = description.url;
    this.user = description.user;
    this.password = description.password;
    this.folder = description.folder;
    this.recordings = description.recordings;
  }

  /** What an application that is a program of its own reads. */
  get environment(): { ARI_URL: string; ARI_USER: string; ARI_PASSWORD: string } {
    return { ARI_URL: this.url, ARI_USER: this.user, ARI_PASSWORD: this.password };
  }

  /** Return a client of it. */
  client(): Client {
    return new Client({ url: this.url, user: this.user, password: this.password });
  }

  /** Return one of its phones, registered. It hangs up when the server is closed. */
  async phone(name: string): Promise<Phone> {
    await this.#remote.request('phone', { name });
    return new Phone(this.#remote, name);
  }

  /** Return what it wrote so far. */
  log(): Promise<string> {
    return this.#remote.request<string>('log');
  }

  /**
   * Wait until an application can be called.
   *
   * @throws {TestKitError} it did not register in time
   */
  async registered(app: string, patience: Patience = {}): Promise<void> {
    const timeoutMs = patience.timeoutMs ?? REGISTER_MS;
    const client = this.client();
    for (const deadline = Date.now() + timeoutMs; ; ) {
      const apps = await client.applications.list();
      if (apps.some(({ name }) => name === app)) return;
      if (Date.now() > deadline) {
        throw new TestKitError(`${app} did not register within ${timeoutMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Be an application, of this client or a new one; resolves when it can be called. */
  async run(app: string, handler: CallHandler, client = this.client()): Promise<RunningApp> {
    const stopping = new AbortController();
    const failures: unknown[] = [];
    const watched: CallHandler = async (...call) => {
      try {
        await handler(...call);
      } catch (error) {
        if (!(error instanceof ChannelGone || error instanceof NotFound)) failures.push(error);
        throw error;
      }
    };
    const running = client.run(app, watched, { signal: stopping.signal });
    const close = async () => {
      stopping.abort();
      await running;
      if (failures.length) throw failures[0];
    };
    await Promise.race([this.registered(app), running]);
    return { client, close, [Symbol.asyncDispose]: close };
  }

  /**
   * Hang up the phones, stop the server, and remove its folder.
   *
   * @throws {TestKitError} the server did not end well
   */
  async close(): Promise<void> {
    const code = await this.#remote.close();
    if (code !== 0) throw new TestKitError(`the server ended with ${code ?? 'a signal'}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
