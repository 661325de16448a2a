"""Why a signal arose: what is recorded near it, ranked by how much of it each thing accounts for."""
