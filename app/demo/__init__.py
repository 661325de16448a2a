"""Data to look at: an invented online shop, and the departures from New York in 2013."""
