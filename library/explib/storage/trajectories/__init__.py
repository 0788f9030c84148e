"""Trajectories, their rewards, and the groups they form."""
