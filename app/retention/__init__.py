"""How long data is kept, and the daily pass that removes what is older."""
