"""Graded logs of other programs, read as records that can be submitted. One file per format."""
