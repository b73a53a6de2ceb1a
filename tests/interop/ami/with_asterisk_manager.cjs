// A call with asterisk-manager: callbacks, and events as they come.

const Manager = require("asterisk-manager");

const say = (step, value = null) => console.log("@" + JSON.stringify({ step, value }));
const { AMI_PORT, AMI_USER, AMI_SECRET } = process.env;
const ami = new Manager(Number(AMI_PORT), "127.0.0.1", AMI_USER, AMI_SECRET, true);

const act = (action) =>
  new Promise((resolve, reject) =>
    ami.action(action, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
const next = (name) => new Promise((resolve) => ami.once(name, resolve));

async function main() {
  const answer = await act({ action: "ping" });
  say("ping", answer.ping);
  const created = next("newchannel");
  const response = next("originateresponse");
  const queued = await act({
    action: "originate",
    channel: "Local/700@phones/n",
    application: "Wait",
    data: "30",
    async: "true",
    channelid: "npm",
    variable: { A: "1", B: "2" },
  });
  say("originated", queued.message);
  say("created", (await created).uniqueid);
  say("answered", (await response).response);
  const value = await act({ action: "getvar", channel: "npm", variable: "B" });
  say("variable", value.value);
  const ended = next("hangup");
  await act({ action: "hangup", channel: "npm" });
  say("ended", (await ended).cause);
  ami.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
