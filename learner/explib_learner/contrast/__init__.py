"""Learning without a model: which events separate winners from losers, by a test stratified by group."""
