"""Streamable HTTP: the application, its server, what it binds to."""
