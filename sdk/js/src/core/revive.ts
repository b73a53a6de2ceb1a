/** Brings what the server sends to life: objects that stand for something get their methods. */

import type { Client } from '../client.js';
import { RESOURCE_CLASSES } from '../resources.js';
import { SHAPES } from '../types.js';

type Json = Record<string, unknown>;

/**
 * Return a value with everything in it brought to life.
 *
 * @param shape a schema such as `Channel`, or a list of it such as `Channel[]`
 */
export function revive(value: unknown, shape: string, client: Client): unknown {
  if (shape.endsWith('[]')) {
    if (!Array.isArray(value)) return value;
    return value.map((item) => revive(item, shape.slice(0, -2), client));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = SHAPES[shape];
  if (!members) return value;
  const copy: Json = { ...(value as Json) };
  for (const [name, inner] of Object.entries(members)) {
    if (name in copy) copy[name] = revive(copy[name], inner, client);
  }
  const kind = RESOURCE_CLASSES[shape];
  return kind ? new kind(copy, client) : copy;
}
