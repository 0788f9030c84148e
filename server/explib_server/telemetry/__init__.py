"""Observing a running server from outside: metrics, traces, logs."""
