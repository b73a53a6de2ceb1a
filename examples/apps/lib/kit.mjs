// One server for the tests of all applications that are loaded; those of different applications run
// side by side, each with phones of its own. ARION_PYTHON is a Python that has the package arion.

import { test } from 'node:test';

import { NotHeard, startServer, TestKitError } from 'arion/testing';

const AT_ONCE = 3; // applications
const TRIES = 4; // a phone that got no CPU for a moment speaks late, and is not heard
const NAMES = ['alice', 'bob', 'carol'];
const suites = [];

// Define the tests of an application.
//
// `dialplan` says what can be dialled; PJSIP/bob in it is the bob of this application, as is
// endpoint('bob') of what a test is given. `contexts` is more of the extensions.conf. talking() of
// what a test is given waits until two phones are connected. `define(test)` defines the tests, which
// follow each other.
export function suite(app, { dialplan = {}, contexts = '', prompts = [] }, define) {
  const tests = [];
  define((name, body) => tests.push({ name, body }));
  suites.push({ app, dialplan, contexts, prompts, tests });
}

// Wait until something is so.
export async function until(isSo, timeoutMs = 10_000) {
  for (const deadline = Date.now() + timeoutMs; !(await isSo()); ) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('applications', { concurrency: AT_ONCE }, async (t) => {
  await new Promise(setImmediate); // until all files are loaded
  const server = await startServer({
    dialplan: Object.fromEntries(suites.flatMap(numbersOf)),
    files: { 'extensions.conf': suites.map(({ contexts }) => contexts).join('') },
    prompts: [...new Set(suites.flatMap(({ prompts }) => prompts))],
    phones: suites.flatMap(({ app }) => NAMES.map((name) => `${app}-${name}`)),
  });
  try {
    await Promise.all(suites.map((each) => t.test(each.app, (inner) => perform(each, server, inner))));
  } finally {
    await server.close();
  }
});

function numbersOf({ app, dialplan }) {
  const own = (steps) => steps.replace(/PJSIP\//g, `PJSIP/${app}-`);
  return Object.entries(dialplan).map(([number, steps]) => [number, own(steps)]);
}

async function perform({ app, tests }, server, t) {
  const made = await Promise.all(NAMES.map((name) => server.phone(`${app}-${name}`)));
  const phones = Object.fromEntries(NAMES.map((name, index) => [name, made[index]]));
  for (const { name, body } of tests) await t.test(name, () => attempt(app, body, server, phones));
}

async function attempt(app, body, server, phones) {
  for (let left = TRIES - 1; ; left -= 1) {
    const client = server.client();
    const running = [];
    const run = async (handler, name = app) => {
      running.push(await server.run(name, handler, client));
    };
    const endpoint = (name) => `PJSIP/${app}-${name}`;
    const talking = () => until(() => areBridged(client, app));
    try {
      await body({ ...phones, client, endpoint, run, server, talking });
      return;
    } catch (error) {
      if (!(error instanceof NotHeard) || !left) throw error;
    } finally {
      await Promise.all(Object.values(phones).map(hangUp));
      for (const each of running) await each.close();
      client.close();
    }
  }
}

// Tell whether two phones of an application hear each other.
async function areBridged(client, app) {
  const channels = await client.channels.list();
  const own = new Set(channels.filter(({ name }) => name.includes(`/${app}-`)).map(({ id }) => id));
  const bridges = await client.bridges.list();
  return bridges.some((bridge) => bridge.channels.filter((id) => own.has(id)).length > 1);
}

async function hangUp(phone) {
  await phone.hangUp().catch((error) => {
    if (!(error instanceof TestKitError)) throw error; // it has no call
  });
}
