// The moderator silences, locks and ends the conference.

import { suite } from '../lib/kit.mjs';
import { conference } from './app.mjs';

const dialplan = { 3000: 'Stasis(conference,room)', 3001: 'Stasis(conference,room,moderator)' };
const prompts = [
  'conf-locked',
  'conf-lockednow',
  'conf-muted',
  'conf-onlyperson',
  'conf-unlockednow',
  'conf-unmuted',
  'confbridge-join',
  'confbridge-leave',
  'hello-world',
];

suite('conference', { dialplan, prompts }, (test) => {
  test('the moderator steers the room', async ({ run, alice, bob, carol }) => {
    await run(conference());
    await alice.call('3001');
    await alice.hears('conf-onlyperson');
    await bob.call('3000');
    await alice.hears('confbridge-join');

    await alice.press('2');
    await bob.hears('conf-lockednow');
    await carol.call('3000');
    await carol.hears('conf-locked');
    await carol.hearsHangup();
    await alice.press('2');
    await bob.hears('conf-unlockednow');

    await alice.press('1');
    await alice.hears('conf-muted');
    await alice.press('1');
    await alice.hears('conf-unmuted');
    await Promise.all([bob.says('hello-world'), alice.hears('hello-world')]);

    await alice.press('9');
    await bob.hearsHangup();
    await alice.hearsHangup();
  });
});
