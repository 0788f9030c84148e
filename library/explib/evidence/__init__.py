"""What rewards say about experiences: randomised serving, lifts with intervals, verdicts. No database, no clock.

Rewards come here as shares of the library's range (0 worst, 1 best), so that every constant means the same everywhere.
"""
