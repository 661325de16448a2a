"""Typed tracking code made from the plan."""
