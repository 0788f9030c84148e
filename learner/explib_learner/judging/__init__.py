"""The judge of decisions: one joint fit over all graded attempts says which decisions matter, behind a stop rule."""
