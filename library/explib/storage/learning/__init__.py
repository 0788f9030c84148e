"""Learning under way: leases, model calls, the steps of attached agents."""
