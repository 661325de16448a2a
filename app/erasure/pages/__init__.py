"""Pages of erasures."""

from app.erasure.pages import erasures

__all__ = ["erasures"]
