"""Figures and traces of a running server, for Prometheus, StatsD and OpenTelemetry."""
