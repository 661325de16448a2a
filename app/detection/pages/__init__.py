"""Pages about detection. Importing this package registers them."""

from app.detection.pages import inbox

__all__ = ["inbox"]
