/** Phone applications on Arion, and on other servers that speak ARI. */

export * from './client.js';
export type { Access } from './core/http.js';
export * from './errors.js';
export { type AnyEvent, EventStream, type Share, type StreamOptions } from './events.js';
export * from './program.js';
export {
  Application,
  type AskOptions,
  Bridge,
  Channel,
  DeviceState,
  Endpoint,
  type Expectations,
  type KeyOptions,
  LiveRecording,
  LogChannel,
  Mailbox,
  Module,
  type Patience,
  Playback,
  type PlayOptions,
  type RecordOptions,
  Sound,
  StoredRecording,
} from './resources.js';
export type * from './types.js';
