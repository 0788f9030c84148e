"""Experiences and the revisions that make them: commit, proposals, trials, votes."""
