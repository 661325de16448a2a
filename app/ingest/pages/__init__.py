"""Pages on what arrives; importing this registers them."""

from app.ingest.pages import checks, live, sources

__all__ = ["checks", "live", "sources"]
