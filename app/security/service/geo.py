"""Which local files about addresses this instance has, and whose work they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from app.security.intelligence import lookup
from app.security.intelligence.install import ATTRIBUTION_FILE
from app.security.intelligence.networks import CATEGORIES

_DB_IP: Final = "dbip"


@dataclass(frozen=True, slots=True)
class GeoFiles:
    """`kinds` are databases with the day they were built, `lists` categories of networks that are known."""

    has_places: bool = False
    kinds: tuple[tuple[str, date], ...] = ()
    lists: tuple[str, ...] = ()
    is_by_db_ip: bool = False
    """Whether pages that show results must name DB-IP, as its licence asks."""


def geo_files() -> GeoFiles:
    """What is installed now."""
    files = lookup.installed_databases()
    files.look()
    kinds = files.kinds
    return GeoFiles(
        has_places=files.has_places,
        kinds=kinds,
        lists=tuple(name for name, bit in CATEGORIES.items() if files.lists.known & bit),
        is_by_db_ip=bool(kinds)
        and ((files.folder / ATTRIBUTION_FILE).exists() or any(kind.lower().startswith(_DB_IP) for kind, _ in kinds)),
    )
