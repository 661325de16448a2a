"""Pages for whoever writes the code that sends."""

from app.developer.pages import developer

__all__ = ["developer"]
