"""How a believed decision is put into a sentence."""
