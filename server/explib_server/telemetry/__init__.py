"""What can be seen of a running server from outside: metrics, traces, logs."""
