"""Judging count series: pure functions over arrays, without a database, a clock or a network."""
