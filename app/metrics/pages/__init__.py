"""Pages about volume. Importing this package registers them."""

from app.metrics.pages import heatmap, monitoring, overview

__all__ = ["heatmap", "monitoring", "overview"]
