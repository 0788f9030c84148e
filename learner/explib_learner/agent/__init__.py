"""The `agent` analyst: an attached agent answers the requests of the learner, one step at a time."""
