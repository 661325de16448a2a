"""Counts over stored security events: by word, by place, by actor, by network, and over time.

What is known of an address is read from its newest event alone: reading every event's would take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from app.kernel.clock import as_utc
from app.security.contracts import ActorCount, EventFilter, NetworkCount, PlaceCount, Scoped, SeverityCount, Totals, WordCount
from app.security.repository.events import select, where_of

SIGN_INS: Final = ("auth.login_success", "auth.login_failed")
FACETS: Final = ("event", "severity", "country", "actor", "ip")
_COUNTRY: Final = "JSONExtractString(properties, 'country_code')"
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
_PEOPLE: Final = "uniqExactIfState(actor_id, actor_id != '')"
_FAILED: Final = "countIf(name = 'auth.login_failed')"


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
    """Where people signed in or tried to, most frequent first; an address counts where it was last. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    known = "Tuple(latitude Nullable(Float64), longitude Nullable(Float64), city String, country_code String)"
    sql = (
        "SELECT round(known.1, 1) AS north, round(known.2, 1) AS east, any(known.3), any(known.4), sum(succeeded), sum(failed), "
        "uniqExactIfMerge(people) FROM ("
        f"SELECT JSONExtract(argMax(properties, time), '{known}') AS known, countIf(name = 'auth.login_success') AS succeeded, "
        f"{_FAILED} AS failed, {_PEOPLE} AS people {where} AND name IN {{{{sign_ins:Array(String)}}}} GROUP BY ip) "
        "WHERE isNotNull(known.1) AND isNotNull(known.2) "
        "GROUP BY north, east ORDER BY sum(succeeded + failed) DESC, north, east LIMIT {{limit:UInt32}}"
    )
    rows = select(scope, sql, {**parameters, "sign_ins": list(SIGN_INS), "limit": limit})
    return [
        PlaceCount(float(north), float(east), str(city), str(country), int(good), int(bad), int(people))
        for north, east, city, country, good, bad, people in rows
    ]


def actors(scope: Scoped, wanted: EventFilter, *, limit: int) -> list[ActorCount]:
    """Actors with the most grave events and the most events, in this order. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    counted = (
        f"SELECT actor_id, count() AS found, {_FAILED}, countIf(severity IN ('high', 'critical')) AS grave, "
        f"uniqExactIf(ip, ip != ''), max(time) {where} AND actor_id != '' "
        "GROUP BY actor_id ORDER BY grave DESC, found DESC, actor_id LIMIT {{limit:UInt32}}"
    )
    rows = select(scope, counted, {**parameters, "limit": limit})
    described = (
        f"SELECT actor_id, max(JSONExtractString(properties, 'actor_email')), uniqExactIf({_COUNTRY} AS country, country != '') "
        f"{where} AND actor_id IN {{{{actors:Array(String)}}}} GROUP BY actor_id"
    )
    about = (
        {row[0]: row[1:] for row in select(scope, described, {**parameters, "actors": [row[0] for row in rows]})} if rows else {}
    )
    found = []
    for who, count, failed, grave, addresses, last_at in rows:
        email, countries = about.get(who, ("", 0))
        found.append(
            ActorCount(str(who), str(email), int(count), int(failed), int(grave), int(addresses), int(countries), as_utc(last_at))
        )
    return found


def networks(scope: Scoped, wanted: EventFilter, *, limit: int) -> list[NetworkCount]:
    """Networks with the most failed sign-ins and the most events, in this order. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    flags = ", ".join(f"{flag} Bool" for flag in _FLAGS)
    known = f"Tuple(asn_org String, asn UInt32, threat_score Nullable(Int32), {flags})"
    marks = ", ".join(f"max(known.{place})" for place in range(4, 4 + len(_FLAGS)))
    sql = (
        "SELECT if(known.1 != '', known.1, ip) AS network, max(known.2), sum(found) AS events, sum(bad) AS failures, "
        f"uniqExactIfMerge(people), uniqExact(ip), {marks}, max(coalesce(known.3, -1)), any(ip) FROM ("
        f"SELECT ip, JSONExtract(argMax(properties, time), '{known}') AS known, count() AS found, {_FAILED} AS bad, "
        f"{_PEOPLE} AS people {where} AND ip != '' GROUP BY ip) "
        "GROUP BY network ORDER BY failures DESC, events DESC, network LIMIT {{limit:UInt32}}"
    )
    found = []
    for name, asn, count, failed, people, addresses, *rest in select(scope, sql, {**parameters, "limit": limit}):
        *marks_set, threat, address = rest
        named = tuple(flag for flag, is_set in zip(_FLAGS, marks_set, strict=True) if is_set)
        score = int(threat) if int(threat) >= 0 else None
        found.append(
            NetworkCount(str(name), int(asn), int(count), int(failed), int(people), int(addresses), named, score, str(address))
        )
    return found
