"""The page for people: one HTML document with two doors, HTTP and the MCP App, and the reads that it shows."""
