"""The page of tenants; importing this registers it."""

from app.tenants.pages import tenants

__all__ = ["tenants"]
