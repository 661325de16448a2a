"""Copies of a whole instance in one file, and getting it back from one, in every storage mode."""
