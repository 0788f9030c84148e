"""Hooks of coding agents: lessons at a prompt and before a tool call, attempts captured at the end of a turn."""
