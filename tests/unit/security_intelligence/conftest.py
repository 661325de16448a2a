from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

Write = Callable[[str, str, dict[str, dict[str, Any]]], Path]


@pytest.fixture
def write_database(tmp_path) -> Write:
    """Writes a database of the given type into the folder, whole or not at all, as an installer does."""

    def write(name: str, kind: str, networks: dict[str, dict[str, Any]]) -> Path:
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind, languages=["en"], float_type="f64")
        for network, record in networks.items():
            writer.insert_network(IPSet([network]), record)
        writer.to_db_file(str(tmp_path / f"{name}.part"))
        return (tmp_path / f"{name}.part").rename(tmp_path / name)

    return write


def nested(country: str, city: str, latitude: float, longitude: float) -> dict[str, Any]:
    return {
        "country": {"iso_code": country, "names": {"en": f"The {country}"}},
        "city": {"names": {"en": city}},
        "subdivisions": [{"names": {"en": f"{city} region"}}],
        "location": {"latitude": latitude, "longitude": longitude, "time_zone": "Europe/London"},
    }
