"""The counters of evidence, and the retrievals and rewards they are made of."""
