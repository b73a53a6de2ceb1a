// A call with nami: actions as objects, lists with all their events.

const nami = require("nami");

const say = (step, value = null) => console.log("@" + JSON.stringify({ step, value }));
const { AMI_PORT, AMI_USER, AMI_SECRET } = process.env;
const client = new nami.Nami({
  host: "127.0.0.1",
  port: Number(AMI_PORT),
  username: AMI_USER,
  secret: AMI_SECRET,
});
client.logLevel = 0;

const send = (action) => new Promise((resolve) => client.send(action, resolve));

client.on("namiConnected", async () => {
  say("ping", (await send(new nami.Actions.Ping())).ping);
  const originate = new nami.Actions.Originate();
  Object.assign(originate, {
    channel: "Local/700@phones/n",
    application: "Wait",
    data: "30",
    async: "true",
    channelid: "nami",
  });
  say("originated", (await send(originate)).message);
  const list = await send(new nami.Actions.CoreShowChannels());
  say("channels", list.events.filter((event) => event.event === "CoreShowChannel").length > 0);
  client.once("namiEventHangup", (event) => {
    say("ended", event.event);
    client.close();
  });
  const hangup = new nami.Actions.Hangup();
  hangup.channel = "nami";
  await send(hangup);
});
client.on("namiLoginIncorrect", () => process.exit(2));
client.open();
