"""What agents submit, read into steps; when a group of trajectories can be learned; which rewards count."""
