// A whole call with ari-client's promises: answer, bridge, play, digits, record, hang up.
"use strict";

const ari = require("ari-client");

const say = (step, value) => console.log("@" + JSON.stringify({ step, value }));
const once = (emitter, type) =>
  new Promise((resolve) => emitter.once(type, (event, ...rest) => resolve([event, ...rest])));

async function main() {
  const url = process.env.ARI_URL.replace(/\/ari$/, "");
  const client = await ari.connect(url, process.env.ARI_USER, process.env.ARI_PASSWORD);
  const started = once(client, "StasisStart");
  await client.start("tests");
  const info = await client.asterisk.getInfo({ only: ["system", "build"] });
  say("ready", Object.keys(info.system));

  const [event, channel] = await started;
  say("started", { state: channel.state, caller: channel.caller.number, args: event.args });
  await channel.answer();
  await channel.setChannelVar({ variable: "COLOUR", value: "blue & green" });
  const variable = await channel.getChannelVar({ variable: "COLOUR" });
  say("answered", variable.value);

  const bridge = await client.Bridge().create({ type: "mixing", name: "with ari-client" });
  const entered = once(bridge, "ChannelEnteredBridge");
  await bridge.addChannel({ channel: [channel.id] });
  await entered;
  const bridges = await client.bridges.list();
  say("bridged", bridges.map((found) => [found.name, found.channels]));

  const playback = client.Playback();
  const finished = once(playback, "PlaybackFinished");
  await bridge.play({ media: "sound:hello-world" }, playback);
  const [, played] = await finished;
  say("played", played.state);

  const digit = once(channel, "ChannelDtmfReceived");
  say("press");
  say("digit", (await digit)[0].digit);

  const recording = client.LiveRecording();
  const recorded = once(recording, "RecordingFinished");
  await bridge.record({ name: recording.name, format: "wav", maxDurationSeconds: 1 }, recording);
  await recorded;
  const stored = await client.recordings.getStored({ recordingName: recording.name });
  const file = await client.recordings.getStoredFile({ recordingName: recording.name });
  await stored.deleteStored();
  say("recorded", { format: stored.format, head: file.toString("latin1").slice(0, 4) });

  const refused = await client.channels.get({ channelId: "nobody" }).catch((error) => error.message);
  say("refused", JSON.parse(refused).message);

  await bridge.destroy();
  const ended = once(channel, "StasisEnd");
  await channel.hangup();
  await ended;
  say("ended");
  client.stop();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
