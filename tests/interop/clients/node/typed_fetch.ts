// A call steered by openapi-fetch with the types that openapi-typescript made.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated";

type Event = components["schemas"]["StasisStart"] | components["schemas"]["StasisEnd"];

const say = (step: string, value?: unknown) => console.log("@" + JSON.stringify({ step, value }));
const environment = (name: string): string => process.env[name] ?? "";

async function main(): Promise<void> {
  const key = Buffer.from(`${environment("ARI_USER")}:${environment("ARI_PASSWORD")}`);
  const client = createClient<paths>({
    baseUrl: environment("ARI_URL"),
    headers: { Authorization: `Basic ${key.toString("base64")}` },
  });
  const { data: made } = await client.POST("/channels", {
    params: { query: { endpoint: environment("ENDPOINT"), app: "tests", appArgs: "one" } },
    body: { variables: { WHO: "Clara" } },
  });
  if (!made) throw new Error("no channel");
  say("originated", typeof made.id);
  const path = { channelId: made.id };
  for (;;) {
    const { data: now } = await client.GET("/channels/{channelId}", { params: { path } });
    if (now?.state === "Up") break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { data: variable } = await client.GET("/channels/{channelId}/variable", {
    params: { path, query: { variable: "WHO" } },
  });
  say("variable", variable?.value);
  const { error } = await client.GET("/channels/{channelId}", {
    params: { path: { channelId: "nobody" } },
  });
  say("refused", error?.message);
  const { response } = await client.DELETE("/channels/{channelId}", { params: { path } });
  say("hung up", response.status);

  const event = JSON.parse(environment("EVENT")) as Event;
  say("event", event.type === "StasisStart" ? [event.args, event.channel.name] : []);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
