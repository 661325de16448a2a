"""What local databases and lists tell of an address."""

from __future__ import annotations

from app.security.intelligence.databases import Databases
from app.security.intelligence.lookup import enrich

__all__ = ["Databases", "enrich"]
