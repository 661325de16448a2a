"""Pages about volume. Importing this package registers them."""

from app.metrics.pages import heatmap, overview

__all__ = ["heatmap", "overview"]
