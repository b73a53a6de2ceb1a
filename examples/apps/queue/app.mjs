// queue: callers wait with music until an agent is free. See README.md; app.py does the same.

import { NotAnswered, run } from 'arion';

import { isMain } from '../lib/main.mjs';

const RING_S = 15; // that an agent's phone rings
const REST_MS = 5000; // for an agent who did not answer

// Agents log in by phone; the one who is free the longest takes the next caller.
//
// Stasis(queue) waits in the queue; Stasis(queue,login,PJSIP/bob) logs an agent in, and
// Stasis(queue,logout,PJSIP/bob) out.
export class Queue {
  #restMs;
  #agents = new Set();
  #free = []; // agents, the one who is free the longest first
  #places = []; // of callers for whom no agent is rung, the first one first
  #count = 0; // callers who wait, also those for whom an agent is rung

  constructor({ restMs = REST_MS } = {}) {
    this.#restMs = restMs;
  }

  // Handle one call.
  handle = async (channel, [verb, agent]) => {
    await channel.answer();
    if (verb === 'login') {
      if (!this.#agents.has(agent)) {
        this.#agents.add(agent);
        this.#release(agent);
      }
      await channel.say('sound:agent-loginok');
    } else if (verb === 'logout') {
      this.#agents.delete(agent);
      await channel.say('sound:agent-loggedoff');
    } else {
      await this.#serve(channel);
    }
    await channel.hangup();
  };

  async #serve(caller) {
    let taken;
    this.#count += 1;
    try {
      const before = this.#count - 1;
      if (before) await caller.say(['sound:queue-thereare', `number:${before}`]);
      await caller.startMoh();
      taken = await this.#agentFor(caller);
    } finally {
      this.#count -= 1;
    }
    try {
      await talk(caller, taken.channel);
    } finally {
      this.#release(taken.agent);
    }
  }

  // Return an agent who took the call, and the agent's channel.
  async #agentFor(caller) {
    for (let isFirstTry = true; ; isFirstTry = false) {
      const agent = await this.#nextAgent(caller, isFirstTry);
      try {
        const channel = await caller.client.dial(agent, { caller, timeout: RING_S });
        return { agent, channel };
      } catch (error) {
        if (!(error instanceof NotAnswered)) {
          this.#release(agent); // the caller gave up
          throw error;
        }
        console.log(`${agent} did not answer: ${error.message}`);
        setTimeout(() => this.#release(agent), this.#restMs);
      }
    }
  }

  // Wait for an agent who is free; who waited before is the first one in the line.
  async #nextAgent(caller, isFirstTry) {
    let give;
    const turn = new Promise((resolve) => {
      give = resolve;
    });
    this.#places[isFirstTry ? 'push' : 'unshift'](give);
    this.#match();
    const leaving = caller.waitGone();
    const outcome = await Promise.race([turn, leaving]);
    if (typeof outcome === 'string') return outcome;
    const place = this.#places.indexOf(give);
    if (place >= 0) this.#places.splice(place, 1);
    else this.#release(await turn); // given to a caller who has just left
    throw outcome;
  }

  #release(agent) {
    if (!this.#agents.has(agent)) return; // logged out meanwhile
    this.#free.push(agent);
    this.#match();
  }

  #match() {
    while (this.#places.length && this.#free.length) {
      const agent = this.#free.shift();
      if (this.#agents.has(agent)) this.#places.shift()(agent);
    }
  }
}

async function talk(caller, agent) {
  const bridge = await caller.client.bridge();
  try {
    await caller.stopMoh();
    await bridge.add([caller, agent]);
    await caller.client.firstGone([caller, agent]);
  } finally {
    await Promise.all([bridge.destroy(), agent.hangup()]);
  }
}

if (isMain(import.meta.url)) await run('queue', new Queue().handle);
