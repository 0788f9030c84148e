"""What people and agents touch: MCP tools, resources and prompts, the HTTP app, and the command line."""
