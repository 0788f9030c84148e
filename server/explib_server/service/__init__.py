"""One process a person and database: it holds index, learner and doors; servers over stdio are relays to it.

What runs in a client's path (`paths`, `connection`, `starting`, `relay` and what they import) is standard library only.
"""
