"""The page on all projects; importing this registers it."""

from app.projects.pages import home

__all__ = ["home"]
