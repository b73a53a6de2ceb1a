"use strict";

// The page's own origin, without the credentials that its address may hold: fetch refuses those.
const root = location.origin + location.pathname.replace(/docs\/?$/, "");

SwaggerUIBundle({
  url: `${root}openapi.json`,
  dom_id: "#explorer",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
