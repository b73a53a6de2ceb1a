/** Phone applications on Arion, and on other servers that speak ARI. */

export * from './client.js';
export type { Access } from './core/http.js';
export * from './errors.js';
export { type AnyEvent, EventStream, type Share, type StreamOptions } from './events.js';
export * from './program.js';
export * from './resources.js';
export type * from './types.js';
