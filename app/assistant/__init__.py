"""Search through a plan."""
