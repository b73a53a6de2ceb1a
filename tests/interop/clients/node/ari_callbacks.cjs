// The same in the style of callbacks: an outgoing call this time, and one with variables.
"use strict";

const ari = require("ari-client");

const say = (step, value) => console.log("@" + JSON.stringify({ step, value }));
const must = (then) => (error, ...results) => {
  if (error) throw error;
  then(...results);
};

const url = process.env.ARI_URL.replace(/\/ari$/, "");

ari.connect(url, process.env.ARI_USER, process.env.ARI_PASSWORD, must((client) => {
  const channel = client.Channel();
  // Reply and event come on two connections: either may be read first.
  const ends = new Set();
  const end = (what) => {
    if (ends.add(what).size < 2) return;
    client.stop();
    process.exit(0);
  };
  channel.on("ChannelStateChange", (event, changed) => {
    if (changed.state === "Up") say("up");
  });
  channel.on("StasisStart", (event, started) => {
    say("started", event.args);
    started.getChannelVar({ variable: "WHO" }, must((variable) => {
      say("variable", variable.value);
      const playback = client.Playback();
      playback.on("PlaybackFinished", () => {
        say("played");
        started.hangup(must(() => end("reply")));
      });
      started.play({ media: ["sound:hello-world", "sound:hello-world"] }, playback, must(() => {}));
    }));
  });
  channel.on("ChannelDestroyed", (event) => {
    say("destroyed", event.cause);
    end("event");
  });
  client.on("WebSocketConnected", () => {
    channel.originate(
      {
        endpoint: process.env.ENDPOINT,
        app: "tests",
        appArgs: "one,two",
        callerId: '"Clara" <200>',
        variables: { WHO: "Clara" },
      },
      must((made) => say("originated", made.id === channel.id)),
    );
  });
  client.start("tests");
}));
