// Compiles src/ twice: for import and for require.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');

async function compile(project) {
  const arguments_ = [compiler, '-p', `${here}${project}`];
  const [code] = await once(spawn(process.execPath, arguments_, { stdio: 'inherit' }), 'close');
  if (code !== 0) process.exitCode = 1;
}

rmSync(`${here}dist`, { recursive: true, force: true });
await Promise.all([compile('tsconfig.json'), compile('tsconfig.cjs.json')]);
// The declarations are the same for both.
cpSync(`${here}dist/esm`, `${here}dist/cjs`, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || /\.d\.ts(\.map)?$/.test(path),
});
// A scope of its own for what is required: another module system, hence its own choice of sockets.
const scope = {
  type: 'commonjs',
  imports: { '#websocket': { node: './internal/ws-node.js', default: './internal/ws-browser.js' } },
};
writeFileSync(`${here}dist/cjs/package.json`, `${JSON.stringify(scope, undefined, 2)}\n`);
