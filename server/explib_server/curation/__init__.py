"""Changes by people: add, edit, retire, review, vote, revert, set up a library. Each change is a revision."""
