"""What `explib attach` writes into the configuration files of MCP clients, and takes out again."""
