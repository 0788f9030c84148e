"""Backup, copy, check and audit of a whole database."""
