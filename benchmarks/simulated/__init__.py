"""Simulated tasks, experiences and submitters on which the statistics of `explib.evidence` are measured."""
