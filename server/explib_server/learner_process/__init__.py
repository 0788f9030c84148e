"""Learning between sessions: a process of its own that a server starts, and that goes on when the client is closed."""
