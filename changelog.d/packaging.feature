A systemd unit that knows when the server is ready and starts it again when it hangs, a Dockerfile, compose.yaml,
and log rotation.
