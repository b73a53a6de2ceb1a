/** What a client knows of channels, playbacks and recordings from its streams of events. */

import { NotListening } from '../errors.js';
import type { AnyEvent } from '../events.js';
import { Inbox, Outcomes } from './inbox.js';

const MAX_GONE = 1_000; // channels that ended, whose last events can still be taken
const MAX_DIALLED = 10_000; // channels whose StasisStart is no new call
const ENTRIES = ['StasisStart', 'StasisReoffered']; // with them a channel's events begin

/** Begins the ids of channels that the SDKs dial, whichever program it was. */
export const DIALLED = 'dialled-';

/** All inboxes and outcomes of a client. */
export class Known {
  readonly outcomes = new Outcomes();
  /** the applications of each open stream */
  readonly apps: string[][] = [];
  readonly #inboxes = new Map<string, Inbox<AnyEvent>>();
  readonly #gone = new Map<string, Inbox<AnyEvent>>();
  readonly #watches = new Set<Inbox<AnyEvent>>();
  readonly #dialled = new Map<string, boolean>(); // and whether it is awaited

  /** @throws {NotListening} no stream is open */
  checkListening(): void {
    if (this.apps.length) return;
    throw new NotListening('open client.events() or client.run() before waiting for events');
  }

  /** Return the inbox of a channel, and whether it was made now. */
  inbox(id: string): { inbox: Inbox<AnyEvent>; isNew: boolean } {
    const found = this.find(id);
    if (found) return { inbox: found, isNew: false };
    const inbox = new Inbox<AnyEvent>(id);
    this.#inboxes.set(id, inbox);
    return { inbox, isNew: true };
  }

  /** Return the inbox of a channel, also of one that is gone. */
  find(id: string): Inbox<AnyEvent> | undefined {
    return this.#inboxes.get(id) ?? this.#gone.get(id);
  }

  /** The channels that are there. */
  channels(): string[] {
    return [...this.#inboxes.keys()];
  }

  // dialling

  /** A channel of this id will be made: it is no new call when it enters the application. */
  dial(id: string): Inbox<AnyEvent> {
    this.#dialled.set(id, true);
    dropOldest(this.#dialled, MAX_DIALLED);
    return this.inbox(id).inbox;
  }

  /** Tell, once, whether a channel was dialled. */
  wasDialled(id: string): boolean {
    const isAwaited = this.#dialled.get(id) ?? false;
    if (isAwaited) this.#dialled.set(id, false); // if it comes again, the dialplan sent it
    return isAwaited;
  }

  /** Tell whether a channel was dialled by another program, which can't wait for it. */
  isStray(id: string): boolean {
    return id.startsWith(DIALLED) && !this.#dialled.has(id);
  }

  // events

  /** Copy events to an inbox from now on. */
  watch(inbox: Inbox<AnyEvent>): void {
    this.#watches.add(inbox);
  }

  /** Stop that. */
  unwatch(inbox: Inbox<AnyEvent>): void {
    this.#watches.delete(inbox);
  }

  /** Take an event in. */
  note(event: AnyEvent): void {
    const id = channelOf(event);
    if (ENTRIES.includes(event.type) && id && !this.#inboxes.has(id)) {
      this.#gone.delete(id);
      this.#inboxes.set(id, new Inbox(id));
    }
    this.#inboxes.get(id)?.put(event);
    for (const watch of this.#watches) {
      if (!watch.channelId || watch.channelId === id) watch.put(event);
    }
    switch (event.type) {
      case 'StasisEnd':
      case 'ChannelDestroyed':
        this.lose(id);
        break;
      case 'PlaybackFinished':
        this.outcomes.settle(`playback:${event.playback.id}`, event.playback);
        break;
      case 'RecordingFinished':
      case 'RecordingFailed':
        this.outcomes.settle(`recording:${event.recording.name}`, event.recording);
    }
  }

  /** A channel is gone; what came from it before can still be taken. */
  lose(id: string): void {
    const inbox = this.#inboxes.get(id);
    if (inbox) {
      inbox.close();
      this.#inboxes.delete(id);
      this.#gone.set(id, inbox);
      dropOldest(this.#gone, MAX_GONE);
    }
    for (const watch of this.#watches) if (id && watch.channelId === id) watch.close();
  }

  /** No more events will come: end what waits for some. */
  loseAll(): void {
    for (const id of this.channels()) this.lose(id);
    for (const watch of this.#watches) watch.close();
    for (const key of this.outcomes.pending()) this.outcomes.settle(key, undefined);
  }
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** Return the id of the channel that an event is about, or an empty string. */
function channelOf(event: AnyEvent): string {
  const members = event as unknown as Record<string, { id?: string; target_uri?: string }>;
  for (const name of ['channel', 'peer']) {
    const id = members[name]?.id;
    if (id) return id;
  }
  for (const name of ['playback', 'recording']) {
    const target = members[name]?.target_uri;
    if (target) return target.startsWith('channel:') ? target.slice('channel:'.length) : '';
  }
  return '';
}
