"""The output schemas of the tools."""
