// Validates an AsyncAPI document with the project's own parser. usage: validate_asyncapi.cjs FILE
"use strict";

const fs = require("node:fs");
const { Parser } = require("@asyncapi/parser");

async function main() {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(process.argv[2], "utf8"));
  const faults = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
  for (const found of faults) {
    console.error(`${found.code} ${found.path.join("/")}: ${found.message}`);
  }
  if (!document || faults.length) process.exit(1);
  console.log(document.messages().length);
}

main();
