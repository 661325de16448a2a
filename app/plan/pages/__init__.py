"""Pages about the plan. Importing this package registers them."""

from app.plan.pages import catalogue, event

__all__ = ["catalogue", "event"]
