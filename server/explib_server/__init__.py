"""The product that people and agents use: MCP tools, resources and prompts, the HTTP app, the command line."""

VERSION = "0.1.0"
"""As in pyproject.toml: to read it from the installed package takes 30 ms, which a client that starts us hasn't got."""
