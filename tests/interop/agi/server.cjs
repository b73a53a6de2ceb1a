// A FastAGI server with ding-dong; says on which port it listens.
const net = require('node:net');
const AGIServer = require('ding-dong');

const handler = (context) => {
  context.onEvent('variables')
    .then(() => context.answer())
    .then(() => context.streamFile('hello-world', '123'))
    .then(() => context.waitForDigit(5000))
    .then((reply) => context.setVariable('GLOBAL(RESULT)',
      `ding-dong ${String.fromCharCode(reply.result)}`))
    .then(() => context.hangup())
    .then(() => context.end());
};
// it can't tell which port the system chose
const probe = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = probe.address();
  probe.close(() => {
    new AGIServer(handler, { logger: () => {} }).start(port);
    setTimeout(() => console.log(port), 100);
  });
});
