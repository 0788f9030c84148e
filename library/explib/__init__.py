"""What is stored and how it is found again: libraries, trajectories, experiences, revisions, retrieval."""
