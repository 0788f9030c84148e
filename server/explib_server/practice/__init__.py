"""Practice: rollouts of a set of tasks, their rewards, lessons, again; and the proof that it helped."""
