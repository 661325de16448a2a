"""What clients of other products send, turned into our events."""
