REST over the events' WebSocket takes an `idempotency_key` and answers with the `link` to a list's next page; `{"type": "DrainWorker"}` drains the workers of its own connection.
