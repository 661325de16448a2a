"""A plan as files: exported in a stable order, and imported on a branch of its own."""
