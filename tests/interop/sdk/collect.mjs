// The same as collect.py.

import { Client } from 'arion';

const client = new Client();
for await (const event of client.events(process.argv[2], { resume: 'auto' })) {
  console.log(JSON.stringify(event));
}
