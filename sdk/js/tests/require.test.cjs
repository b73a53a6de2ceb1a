// The package by require().

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Channel, Client } = require('arion');

test('require gives the same interface', async () => {
  const client = new Client({
    url: process.env.ARI_URL,
    user: process.env.ARI_USER,
    password: process.env.ARI_PASSWORD,
  });
  assert.equal((await client.asterisk.ping()).ping, 'pong');
  assert.equal(typeof Channel.prototype.answer, 'function');
});
