Figures for Prometheus at `/metrics` (prometheus.conf), Asterisk's figures for StatsD (statsd.conf), and traces of
calls for OpenTelemetry (tracing.conf): docs/operations.md.
