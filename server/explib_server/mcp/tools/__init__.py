"""The tools, a module for each group of them."""
