"""Text for a model: prompt files, fences, transcripts, budgets."""
