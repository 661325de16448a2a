"""Branches, revisions and merges: the plan as versions of one another (contract sections 10 and 11)."""
