"""Counts over stored security events: by word, by place, by actor, by network, and over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from app.kernel.clock import as_utc
from app.security.contracts import Scoped
from app.security.repository.events import EventFilter, select, where_of

SIGN_INS: Final = ("auth.login_success", "auth.login_failed")
FACETS: Final = ("event", "severity", "country", "actor", "ip")
_COUNTRY: Final = "JSONExtractString(properties, 'country_code')"
_OPERATOR: Final = "JSONExtractString(properties, 'asn_org')"
_NORTH: Final = "JSONExtractFloat(properties, 'latitude')"
_EAST: Final = "JSONExtractFloat(properties, 'longitude')"
_THREAT: Final = (
    "max(if(JSONType(properties, 'threat_score') IN ('Int64', 'UInt64'), JSONExtractInt(properties, 'threat_score'), -1))"
)
_EXPRESSIONS: Final = {
    "event": "name",
    "severity": "severity",
    "country": _COUNTRY,
    "actor": "actor_id",
    "ip": "ip",
}
_OTHERS: Final[Mapping[str, Callable[[EventFilter], EventFilter]]] = {
    "event": lambda wanted: replace(wanted, event=""),
    "severity": lambda wanted: replace(wanted, severities=()),
    "country": lambda wanted: replace(wanted, country_code=""),
    "actor": lambda wanted: replace(wanted, actor_id=""),
    "ip": lambda wanted: replace(wanted, user_ip=""),
}
_FLAGS: Final = ("is_vpn", "is_tor", "is_proxy", "is_datacenter")
_MARKS: Final = ", ".join(f"max(JSONExtractBool(properties, '{flag}'))" for flag in _FLAGS)
_FAILED: Final = "countIf(name = 'auth.login_failed')"


@dataclass(frozen=True, slots=True)
class WordCount:
    """Events that carry the word."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class SeverityCount:
    """Events of a severity in the bucket that begins at `start`."""

    start: datetime
    severity: str
    count: int


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """Sign-ins from one place."""

    latitude: float
    longitude: float
    city: str
    country_code: str
    succeeded: int
    failed: int
    actors: int


@dataclass(frozen=True, slots=True)
class ActorCount:
    """What one actor did."""

    actor_id: str
    email: str
    events: int
    failed: int
    grave: int
    addresses: int
    countries: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class NetworkCount:
    """What came through one network; `name` is its operator, or the address where none is known."""

    name: str
    asn: int
    events: int
    failed: int
    actors: int
    addresses: int
    marks: tuple[str, ...]
    threat_score: int | None
    one_address: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Events of the period in all."""

    events: int
    sign_ins: int
    failed_sign_ins: int
    actors: int
    located: int


def facet(scope: Scoped, wanted: EventFilter, name: str, *, limit: int) -> list[WordCount]:
    """The most frequent words of one facet among the events that all other filters leave. Errors: Unavailable."""
    where, parameters = where_of(_OTHERS[name](wanted))
    sql = (
        f"SELECT {_EXPRESSIONS[name]} AS word, count() AS found {where} AND word != '' "
        "GROUP BY word ORDER BY found DESC, word LIMIT {{limit:UInt32}}"
    )
    return [WordCount(str(word), int(found)) for word, found in select(scope, sql, {**parameters, "limit": limit})]


def over_time(scope: Scoped, wanted: EventFilter, *, seconds: int) -> list[SeverityCount]:
    """Events by severity in buckets of so many seconds since the epoch. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    sql = (
        "SELECT intDiv(toUnixTimestamp(time), {{seconds:UInt32}}) * {{seconds:UInt32}} AS start, severity, count() "
        f"{where} GROUP BY start, severity ORDER BY start"
    )
    rows = select(scope, sql, {**parameters, "seconds": seconds})
    return [SeverityCount(datetime.fromtimestamp(int(start), UTC), str(word), int(n)) for start, word, n in rows]


def totals(scope: Scoped, wanted: EventFilter) -> Totals:
    """Figures of the whole period. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    sql = (
        "SELECT count(), countIf(name IN ('auth.login_success', 'auth.login_failed')), "
        f"{_FAILED}, uniqExactIf(actor_id, actor_id != ''), countIf({_COUNTRY} != '') {where}"
    )
    [row] = select(scope, sql, parameters)
    return Totals(*(int(value) for value in row))


def places(scope: Scoped, wanted: EventFilter, *, limit: int) -> list[PlaceCount]:
    """Where people signed in or tried to, most frequent first. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    sql = (
        f"SELECT round({_NORTH}, 1) AS north, round({_EAST}, 1) AS east, "
        f"any(JSONExtractString(properties, 'city')), any({_COUNTRY}), "
        f"countIf(name = 'auth.login_success'), {_FAILED}, uniqExactIf(actor_id, actor_id != '') {where} "
        "AND name IN {{sign_ins:Array(String)}} AND JSONType(properties, 'latitude') IN ('Double', 'Int64', 'UInt64') "
        "GROUP BY north, east ORDER BY count() DESC, north, east LIMIT {{limit:UInt32}}"
    )
    rows = select(scope, sql, {**parameters, "sign_ins": list(SIGN_INS), "limit": limit})
    return [
        PlaceCount(float(north), float(east), str(city), str(country), int(good), int(bad), int(people))
        for north, east, city, country, good, bad, people in rows
    ]


def actors(scope: Scoped, wanted: EventFilter, *, limit: int) -> list[ActorCount]:
    """Actors with the most grave events and the most events, in this order. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    sql = (
        "SELECT actor_id, max(JSONExtractString(properties, 'actor_email')), count() AS found, "
        f"{_FAILED}, countIf(severity IN ('high', 'critical')) AS grave, uniqExactIf(ip, ip != ''), "
        f"uniqExactIf({_COUNTRY}, {_COUNTRY} != ''), max(time) {where} AND actor_id != '' "
        "GROUP BY actor_id ORDER BY grave DESC, found DESC, actor_id LIMIT {{limit:UInt32}}"
    )
    rows = select(scope, sql, {**parameters, "limit": limit})
    return [
        ActorCount(str(who), str(email), int(n), int(failed), int(grave), int(ips), int(lands), as_utc(last))
        for who, email, n, failed, grave, ips, lands, last in rows
    ]


def networks(scope: Scoped, wanted: EventFilter, *, limit: int) -> list[NetworkCount]:
    """Networks with the most failed sign-ins and the most events, in this order. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    sql = (
        f"SELECT if({_OPERATOR} != '', {_OPERATOR}, ip) AS network, max(JSONExtractUInt(properties, 'asn')), "
        f"count() AS found, {_FAILED} AS failed, uniqExactIf(actor_id, actor_id != ''), uniqExact(ip), {_MARKS}, "
        f"{_THREAT}, any(ip) {where} AND ip != '' "
        "GROUP BY network ORDER BY failed DESC, found DESC, network LIMIT {{limit:UInt32}}"
    )
    found = []
    for name, asn, count, failed, people, addresses, *rest in select(scope, sql, {**parameters, "limit": limit}):
        *flags, threat, address = rest
        marks = tuple(flag for flag, is_set in zip(_FLAGS, flags, strict=True) if is_set)
        score = int(threat) if int(threat) >= 0 else None
        found.append(
            NetworkCount(str(name), int(asn), int(count), int(failed), int(people), int(addresses), marks, score, str(address))
        )
    return found
