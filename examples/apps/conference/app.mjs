// conference: rooms with tones when somebody comes or goes, and a moderator who can steer them. See
// README.md; app.py does the same.

import { run } from 'arion';

import { isMain } from '../lib/main.mjs';

const MODERATOR = 'moderator';
const DEFAULT_ROOM = 'conference';

// Members in a bridge; there while somebody is in it.
class Room {
  isMuted = false;
  isLocked = false;
  #client;
  #name;
  #members = [];
  #bridge;
  #changing = Promise.resolve(); // one comes or goes after the other

  constructor(client, name) {
    this.#client = client;
    this.#name = name;
  }

  // Let a caller in, and tell everybody.
  join(channel) {
    return this.#inTurn(async () => {
      this.#bridge ??= await this.#client.bridge({ name: this.#name });
      await this.#bridge.add(channel);
      this.#members.push(channel);
      console.log(`${channel.id} joined ${this.#name}, ${this.#members.length} inside`);
      const isAlone = this.#members.length === 1;
      await this.announce(isAlone ? 'sound:conf-onlyperson' : 'sound:confbridge-join');
    });
  }

  // A caller is gone: tell who is left, or end the room.
  leave(channel) {
    return this.#inTurn(async () => {
      if (this.#members.includes(channel)) {
        this.#members.splice(this.#members.indexOf(channel), 1);
        console.log(`${channel.id} left ${this.#name}, ${this.#members.length} inside`);
        if (this.#members.length) await this.announce('sound:confbridge-leave');
      }
      if (this.#members.length || !this.#bridge) return;
      await this.#bridge.destroy();
      this.#bridge = undefined;
      this.isMuted = this.isLocked = false;
    });
  }

  // Silence everybody else, or let them speak again.
  async setMuted(isMuted, moderator) {
    this.isMuted = isMuted;
    for (const member of this.#others(moderator)) {
      await (isMuted ? member.mute('in') : member.unmute('in'));
    }
    await this.announce(isMuted ? 'sound:conf-muted' : 'sound:conf-unmuted');
  }

  // Let nobody in any more, or everybody again.
  async setLocked(isLocked) {
    this.isLocked = isLocked;
    await this.announce(isLocked ? 'sound:conf-lockednow' : 'sound:conf-unlockednow');
  }

  // Hang up on everybody else.
  async removeOthers(moderator) {
    for (const member of this.#others(moderator)) await member.hangup();
  }

  async announce(media) {
    await this.#bridge?.play(media);
  }

  #others(channel) {
    return this.#members.filter((member) => member !== channel);
  }

  #inTurn(change) {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {}); // who asked for the change hears of its failure
    return changed;
  }
}

// Make the handler of calls; Stasis(conference[,ROOM[,moderator]]) says who comes where.
export function conference() {
  const rooms = new Map();
  return async (channel, [name = DEFAULT_ROOM, role]) => {
    const isModerator = role === MODERATOR;
    if (!rooms.has(name)) rooms.set(name, new Room(channel.client, name));
    const room = rooms.get(name);
    await channel.answer();
    if (room.isLocked && !isModerator) {
      await channel.say('sound:conf-locked');
      await channel.hangup();
      return;
    }
    try {
      await room.join(channel);
      if (isModerator) {
        await moderate(room, channel);
      } else {
        if (room.isMuted) await channel.mute('in');
        await channel.waitGone();
      }
    } finally {
      await room.leave(channel);
    }
  };
}

// 1 silences, 2 locks, each press the other way round; 9 ends the conference.
async function moderate(room, moderator) {
  for await (const { digit } of moderator.events('ChannelDtmfReceived')) {
    if (digit === '1') await room.setMuted(!room.isMuted, moderator);
    else if (digit === '2') await room.setLocked(!room.isLocked);
    else if (digit === '9') {
      await room.removeOthers(moderator);
      await moderator.hangup();
    }
  }
}

if (isMain(import.meta.url)) await run('conference', conference());
