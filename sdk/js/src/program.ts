/** An application as a program of its own. */

import { type CallHandler, Client, type ClientOptions, type RunOptions } from './client.js';

/**
 * Be an application until Ctrl-C or SIGTERM: the handler is called for each call.
 *
 * Where the server is and who this is come from the environment (`ARI_URL`, `ARI_USER`,
 * `ARI_PASSWORD`) unless they, or a client, are given. The client is closed at the end. For Node.
 */
export async function run(
  app: string,
  handler: CallHandler,
  options: ClientOptions & Omit<RunOptions, 'signal'> & { client?: Client } = {},
): Promise<void> {
  const client = options.client ?? new Client(options);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());
  await client.run(app, handler, { ...options, signal: stopping.signal });
  client.close();
}
