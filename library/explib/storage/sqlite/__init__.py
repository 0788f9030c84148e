"""SQLite: one file, several processes."""
