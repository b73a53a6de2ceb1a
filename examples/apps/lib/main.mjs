// Tells whether a module is the program that was started, and not one that a test imports.

import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export function isMain(module) {
  return module === pathToFileURL(realpathSync(process.argv[1])).href;
}
