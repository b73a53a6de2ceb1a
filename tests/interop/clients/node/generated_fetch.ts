// A call steered by the client that openapi-generator made for TypeScript (fetch).
import { BridgesApi, ChannelsApi, Configuration, MessageFromJSON, ResponseError } from "./generated";

const say = (step: string, value?: unknown) => console.log("@" + JSON.stringify({ step, value }));
const environment = (name: string): string => process.env[name] ?? "";

async function main(): Promise<void> {
  const configuration = new Configuration({
    basePath: environment("ARI_URL"),
    username: environment("ARI_USER"),
    password: environment("ARI_PASSWORD"),
  });
  const channels = new ChannelsApi(configuration);
  const bridges = new BridgesApi(configuration);
  const made = await channels.channelsOriginate({
    endpoint: environment("ENDPOINT"),
    app: "tests",
    appArgs: "one",
    channelId: "made/by generator",
    channelsOriginateRequest: { variables: { WHO: "Clara" } },
  });
  say("originated", made.id);
  while ((await channels.channelsGet({ channelId: made.id })).state !== "Up") {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const variable = await channels.channelsGetChannelVar({ channelId: made.id, variable: "WHO" });
  say("variable", variable.value);
  const bridge = await bridges.bridgesCreate({ type: "mixing", name: "generated" });
  await bridges.bridgesAddChannel({ bridgeId: bridge.id, channel: [made.id] });
  const joined = await bridges.bridgesGet({ bridgeId: bridge.id });
  say("bridged", joined.channels.includes(made.id));
  const playback = await bridges.bridgesPlay({ bridgeId: bridge.id, media: ["sound:hello-world"] });
  say("playing", playback.targetUri === `bridge:${bridge.id}`);
  try {
    await channels.channelsGet({ channelId: "nobody" });
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    say("refused", (await error.response.json()).message);
  }
  await channels.channelsHangup({ channelId: made.id });
  await bridges.bridgesDestroy({ bridgeId: bridge.id });

  const event = MessageFromJSON(JSON.parse(environment("EVENT")));
  say("event", event.type);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
