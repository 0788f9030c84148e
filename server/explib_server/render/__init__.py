"""All text that people and agents read: pages, tables, status, plots."""
