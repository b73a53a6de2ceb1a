/** What all things with methods share: the members of the wire, and a client that does not show. */

import type { Client } from '../client.js';

/** A thing on the server, as of the moment it was sent. */
export abstract class Resource {
  readonly #client: Client;

  /** @internal */
  constructor(data: object, client: Client) {
    Object.assign(this, data);
    this.#client = client;
  }

  /** The client that it was learnt through. */
  get client(): Client {
    return this.#client;
  }
}
