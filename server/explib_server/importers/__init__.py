"""Logs of other programs, read as attempts that can be submitted. One module per format."""
