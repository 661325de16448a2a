"""Tenants of the event API with their plans, quotas and usage."""
