"""The kinds of predicates, one module for each; `catalogue.py` lists them."""
