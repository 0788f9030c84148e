"""The product that people and agents use: MCP tools, resources and prompts, the HTTP app, the command line."""
