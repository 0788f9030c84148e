"""Lessons as other programs read them. One module per format; `registry` knows them all."""
