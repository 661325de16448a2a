"""Taking security events in, showing them, and looking after alerts."""
