"""A library through its revisions: applying operations, going back, comparing, trying. Pure functions."""
