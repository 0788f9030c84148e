"""Writing explib's entry into the configuration files of MCP clients, and taking it out again."""
