/** Requests: parameters out, things out of answers. */

import { type ApiError, ArionError, ConnectionFailed, TimedOut } from '../errors.js';
import { apiError } from './refusals.js';

/** What an operation is called with. */
export interface Call {
  /** parameters; lists become comma-separated, what is undefined stays out */
  options?: object;
  /** those of the options that travel in a JSON body */
  inBody?: string[];
  /** a JSON body as a whole */
  body?: unknown;
  /** what the answer comes to life as, such as `Channel` or `Bridge[]` */
  shape?: string;
  /** whether the answer is a file */
  binary?: boolean;
}

/** Who carries operations out. */
export interface Requester {
  request<T>(operation: string, method: string, path: string, call?: Call): Promise<T>;
}

/** Where the server is and who asks. */
export interface Access {
  /** of the interface, such as `http://127.0.0.1:8088/ari` */
  url: string;
  user?: string;
  password?: string;
  /** a bearer token, instead of user and password */
  token?: string;
}

/** HTTP to one server. */
export class Http {
  readonly url: string;
  readonly #access: Access;
  readonly #timeoutMs: number;

  constructor(access: Access, timeoutMs: number) {
    this.url = access.url.replace(/\/+$/, '');
    this.#access = access;
    this.#timeoutMs = timeoutMs;
  }

  /** The `Authorization` header. */
  get authorization(): string {
    const { token, user, password } = this.#access;
    if (token !== undefined) return `Bearer ${token}`;
    const bytes = new TextEncoder().encode(`${user ?? ''}:${password ?? ''}`);
    return `Basic ${btoa(String.fromCharCode(...bytes))}`;
  }

  /** The same for a URL, where no header can be set. */
  get credentialQuery(): [string, string] {
    const { token, user, password } = this.#access;
    return token !== undefined ? ['access_token', token] : ['api_key', `${user}:${password}`];
  }

  /**
   * Send a request and return the value, or the file, that answers it.
   *
   * @throws {ApiError} the server refused it
   * @throws {TimedOut} there was no answer in time
   * @throws {ConnectionFailed} the server can't be reached
   */
  async send(operation: string, method: string, path: string, call: Call): Promise<unknown> {
    const { query, body } = split(call);
    const search = query.size ? `?${query}` : '';
    const headers: Record<string, string> = { Authorization: this.authorization };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    try {
      const response = await fetch(`${this.url}${path}${search}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      if (!response.ok) throw await refusal(response, operation);
      if (call.binary) return await response.arrayBuffer();
      const text = await response.text();
      return text ? (JSON.parse(text) as unknown) : undefined;
    } catch (error) {
      if (error instanceof ArionError) throw error;
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        throw new TimedOut(`${operation}: no answer within ${this.#timeoutMs} ms`);
      }
      throw new ConnectionFailed(`${operation}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

/** Say why something failed, the cause included: fetch hides it there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function split(call: Call): { query: URLSearchParams; body: unknown } {
  const query = new URLSearchParams();
  const members: Record<string, unknown> = {};
  let hasMembers = false;
  for (const [name, value] of Object.entries(call.options ?? {})) {
    if (value === undefined || value === null) continue;
    if (call.inBody?.includes(name)) {
      members[name] = value;
      hasMembers = true;
    } else {
      query.set(name, Array.isArray(value) ? value.join(',') : String(value));
    }
  }
  return { query, body: hasMembers ? members : call.body };
}

async function refusal(response: Response, operation: string): Promise<ApiError> {
  const text = await response.text();
  const body = objectIn(text);
  const message = typeof body.message === 'string' ? body.message : text.slice(0, 200);
  return apiError(response.status, message || response.statusText, operation, body);
}

/** Return a JSON object, empty if it is none: some proxy answers in its own words. */
function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
