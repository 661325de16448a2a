"""Every query of the security surface."""
