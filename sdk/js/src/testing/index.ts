/**
 * Tests of applications: a server on free ports, and phones that follow a script. For Node.
 *
 * The server and the phones are those of the Python package arion: it has to be installed.
 */

export * from './errors.js';
export { type Patience, Phone, type Sound } from './phone.js';
export { type RunningApp, type ServerOptions, startServer, TestServer } from './server.js';
