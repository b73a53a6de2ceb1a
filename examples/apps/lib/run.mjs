// Runs an application of the SDK when its file is the program that was started.

import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { Client } from 'arion';

// Run until SIGINT or SIGTERM what `handlerOf(client)` does with a call, if `module` is the program.
export async function runIfMain(module, app, handlerOf) {
  if (module !== pathToFileURL(realpathSync(process.argv[1])).href) return;
  const { ARI_URL, ARI_USER, ARI_PASSWORD } = process.env;
  if (!ARI_PASSWORD) throw new Error('ARI_PASSWORD is not set; `make run` prints it');
  const client = new Client({
    url: ARI_URL ?? 'http://127.0.0.1:8088/ari',
    user: ARI_USER ?? 'arion',
    password: ARI_PASSWORD,
  });
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopping.abort());
  await client.run(app, handlerOf(client), { signal: stopping.signal });
}
