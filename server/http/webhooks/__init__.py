"""Applications that are an HTTP(S) URL: events are POSTed to them, replies carry commands."""
