"""Libraries, their settings and their counts."""
