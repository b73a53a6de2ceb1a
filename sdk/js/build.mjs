// Compiles src/ twice: for import and for require.

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');

function compile(project) {
  execFileSync(process.execPath, [compiler, '-p', `${here}${project}`], { stdio: 'inherit' });
}

rmSync(`${here}dist`, { recursive: true, force: true });
compile('tsconfig.json');
compile('tsconfig.cjs.json');
// A scope of its own for what is required: another module system, hence its own choice of sockets.
const scope = {
  type: 'commonjs',
  imports: { '#websocket': { node: './internal/ws-node.js', default: './internal/ws-browser.js' } },
};
writeFileSync(`${here}dist/cjs/package.json`, `${JSON.stringify(scope, undefined, 2)}\n`);
