"""Worlds with hidden conventions, scripted agents that work in them, and what a learner finds in their attempts."""
