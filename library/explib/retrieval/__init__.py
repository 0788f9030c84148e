"""Which experiences matter for a task: embeddings, full text, and what fits the token budget."""
