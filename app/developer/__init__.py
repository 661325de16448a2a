"""How programs send to a project and what they build against."""
