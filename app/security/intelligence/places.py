"""Database records of both layouts, flat and GeoIP2-nested, as one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is, as far as the record tells."""

    country_code: str | None = None
    country_name: str | None = None
    city: str | None = None
    region: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """Who runs an address."""

    asn: int | None = None
    asn_org: str | None = None
    isp: str | None = None
    connection: str | None = None


def place_of(record: Mapping[str, Any]) -> Place:
    """The place in a city or country record."""
    city = record.get("city")
    country = record.get("country")
    location = record.get("location")
    if isinstance(city, Mapping) or isinstance(country, Mapping) or isinstance(location, Mapping):
        country, location = _mapping(country), _mapping(location)
        divisions = record.get("subdivisions") or ()
        return Place(
            _text(country.get("iso_code")),
            _named(country),
            _named(_mapping(city)),
            _named(_mapping(divisions[0])) if divisions else None,
            _number(location.get("latitude")),
            _number(location.get("longitude")),
            _text(location.get("time_zone")),
        )
    return Place(
        _text(record.get("country_code")),
        _text(record.get("country_name")),
        _text(city),
        _text(record.get("state1")) or _text(record.get("region")),
        _number(record.get("latitude")),
        _number(record.get("longitude")),
        _text(record.get("timezone")),
    )


def network_of(record: Mapping[str, Any]) -> Network:
    """The network in an ASN, ISP or connection record."""
    number = record.get("autonomous_system_number", record.get("asn"))
    organisation = _text(record.get("autonomous_system_organization")) or _text(record.get("as_name"))
    return Network(
        number if isinstance(number, int) else None,
        organisation,
        _text(record.get("isp")) or organisation,
        _text(record.get("connection_type")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _named(record: Mapping[str, Any]) -> str | None:
    return _text(_mapping(record.get("names")).get("en"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
