A request with an Idempotency-Key may be repeated: it is carried out once, whatever happened to the connection.
