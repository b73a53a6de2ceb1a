The REST interface and its events: channels, bridges, playbacks, recordings, sounds, endpoints,
applications, asterisk and events, as described in `api-spec/openapi.yaml`, which is served at
`/ari/api-docs/openapi.json`.
