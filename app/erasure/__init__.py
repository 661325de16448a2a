"""Erasing one person's records from a project, with a proof."""
