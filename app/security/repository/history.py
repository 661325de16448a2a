"""What happened before the events of one pass: a few questions for all of their actors and addresses together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec

from app.kernel.clock import as_utc
from app.security.contracts import Scoped, StoredEvent
from app.security.repository.events import select

MOST_SIGN_INS: Final = 200
MOST_FAILURES: Final = 1_000
MOST_PLAIN: Final = 100_000
MOST_DETAILED: Final = 10_000
LONGEST_LIST: Final = 256 * 1024
"""Characters of one list in the address of a query: servers refuse addresses of more than a megabyte."""

_FROM = (
    "FROM {database}.events WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'security' "
    "AND time >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') "
)
_UNTIL = "AND time <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC') "
_BEFORE = "AND time < fromUnixTimestamp64Milli({{until:Int64}}, 'UTC') "
_DETAILED = "id, name, actor_id, ip, severity, time, properties "
_PLAIN = "id, name, actor_id, ip, severity, time, '' AS properties "
# What an actor's sign-ins differ in as far as any rule asks: place, and device without version numbers. The text is parsed once
# for each row, and version numbers are taken off only where anything else differs.
_KNOWN = (
    "JSONExtract(properties, 'Tuple(country_code String, latitude Nullable(Float64), "
    "metadata Tuple(device_id String, user_agent String))') AS known"
)
_EXACT_KINDS = "actor_id, known.1, isNull(known.2), known.3"
_KINDS = "actor_id, known.1, isNull(known.2), known.3.1, replaceRegexpAll(lower(known.3.2), '[0-9._]+', '')"
_NEWEST = "ORDER BY time DESC, id DESC "


def earlier_sign_ins(scope: Scoped, name: str, actors: Sequence[str], since: datetime, before: datetime) -> list[StoredEvent]:
    """The newest sign-in of each place and device of the actors, at most 200 for each actor. Errors: Unavailable."""
    exact = (
        f"SELECT {_DETAILED}, {_KNOWN} {_FROM}{_BEFORE}AND name = {{{{name:String}}}} AND actor_id IN {{{{actors:Array(String)}}}} "
        f"{_NEWEST}LIMIT 1 BY {_EXACT_KINDS}"
    )
    sql = (
        f"SELECT {_DETAILED}FROM (SELECT {_DETAILED}FROM ({exact}) {_NEWEST}LIMIT 1 BY {_KINDS}) "
        f"{_NEWEST}LIMIT {MOST_SIGN_INS} BY actor_id"
    )
    return [
        row
        for part in _parts(actors)
        for row in _rows(scope, sql, since=_millis(since), until=_millis(before), name=name, actors=part)
    ]


def sign_ins_between(
    scope: Scoped, name: str, actors: Sequence[str], start: datetime, stop: datetime, *, without: Container[str]
) -> list[StoredEvent]:
    """Sign-ins of the actors in [start, stop] but for those of these ids, at most 1000 for each. Errors: Unavailable."""
    where = f"{_FROM}{_UNTIL}AND name = {{{{name:String}}}} "
    parameters: dict[str, object] = {"since": _millis(start), "until": _millis(stop), "name": name}
    # Mostly all of them are known to the caller, so that their details need not travel; a short while needs no list of actors.
    sql = f"SELECT id, actor_id {where}{_NEWEST}LIMIT {MOST_FAILURES} BY actor_id"
    wanted = frozenset(actors)
    missing = [str(row[0]) for row in select(scope, sql, parameters) if row[0] not in without and row[1] in wanted]
    sql = f"SELECT {_DETAILED}{where}AND id IN {{{{ids:Array(String)}}}} {_NEWEST}"
    return [row for part in _parts(missing) for row in _rows(scope, sql, **parameters, ids=part)]


def events_of_actors(scope: Scoped, name: str, actors: Sequence[str], start: datetime, stop: datetime) -> list[StoredEvent]:
    """Events of the name in [start, stop] by actor, without their details, at most 1000 for each. Errors: Unavailable."""
    return _plain(scope, "actor_id", name, actors, start, stop)


def events_of_addresses(scope: Scoped, name: str, addresses: Sequence[str], start: datetime, stop: datetime) -> list[StoredEvent]:
    """Events of the name in [start, stop] by address, without their details, at most 1000 for each. Errors: Unavailable."""
    return _plain(scope, "ip", name, addresses, start, stop)


def _plain(scope: Scoped, column: str, name: str, values: Sequence[str], start: datetime, stop: datetime) -> list[StoredEvent]:
    sql = (
        f"SELECT {_PLAIN}{_FROM}{_UNTIL}AND name = {{{{name:String}}}} AND {column} IN {{{{subjects:Array(String)}}}} "
        f"{_NEWEST}LIMIT {MOST_FAILURES} BY {column}"
    )
    return [
        row
        for part in _parts(values)
        for row in _rows(scope, sql, since=_millis(start), until=_millis(stop), name=name, subjects=part)
    ]


def events_like(
    scope: Scoped,
    patterns: Sequence[str],
    start: datetime,
    stop: datetime,
    *,
    is_detailed: bool,
    actors: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> list[StoredEvent]:
    """Events in [start, stop] whose name fits one of the patterns (`auth.*`), newest first.

    With actors or addresses only theirs. At most 100,000, and 10,000 with their details, of actors and of addresses each.
    Errors: Unavailable.
    """
    likes = " OR ".join(f"name LIKE {{{{pattern{place}:String}}}}" for place in range(len(patterns)))
    parameters: dict[str, object] = {f"pattern{place}": _like(pattern) for place, pattern in enumerate(patterns)}
    columns, most = (_DETAILED, MOST_DETAILED) if is_detailed else (_PLAIN, MOST_PLAIN)
    of_whom: list[tuple[str, Mapping[str, object]]] = [
        *(("AND actor_id IN {{actors:Array(String)}} ", {"actors": part}) for part in _parts(actors)),
        *(("AND ip IN {{addresses:Array(String)}} ", {"addresses": part}) for part in _parts(addresses)),
    ]
    found: dict[str, StoredEvent] = {}
    for whose, named in of_whom or [("", {})]:
        sql = f"SELECT {columns}{_FROM}{_UNTIL}AND ({likes}) {whose}{_NEWEST}LIMIT {most}"
        for row in _rows(scope, sql, since=_millis(start), until=_millis(stop), **parameters, **named):
            found[row.id] = row
    return sorted(found.values(), key=lambda row: (row.time, row.id), reverse=True)


def arrived_counts(scope: Scoped, seconds: int, since: datetime, before: datetime) -> dict[int, int]:
    """Events by the epoch second at which their bucket of so many seconds starts. Errors: Unavailable."""
    sql = (
        f"SELECT intDiv(toUnixTimestamp64Milli(time), 1000 * {seconds}) * {seconds} AS bucket, count() {_FROM}{_BEFORE}"
        "GROUP BY bucket ORDER BY bucket"
    )
    parameters: dict[str, object] = {"since": _millis(since), "until": _millis(before)}
    return {int(bucket): int(count) for bucket, count in select(scope, sql, parameters)}


def events_after(
    scope: Scoped, since: datetime, before: datetime, *, after: tuple[datetime, str] | None, limit: int
) -> list[StoredEvent]:
    """A page of all events in [since, before), oldest first, from the one that follows `after`. Errors: Unavailable."""
    parameters: dict[str, object] = {"since": _millis(since), "until": _millis(before), "limit": limit}
    further = ""
    if after is not None:
        further = "AND (time, id) > (fromUnixTimestamp64Milli({{last:Int64}}, 'UTC'), {{last_id:String}}) "
        parameters |= {"last": _millis(after[0]), "last_id": after[1]}
    sql = f"SELECT {_DETAILED}{_FROM}{_BEFORE}{further}ORDER BY time, id LIMIT {{{{limit:UInt32}}}}"
    return _rows(scope, sql, **parameters)


def _parts(values: Sequence[str]) -> Iterator[list[str]]:
    """The values in lists that fit into the address of a query."""
    part: list[str] = []
    length = 0
    for value in values:
        size = len(quote_plus(value)) + len(quote_plus("','"))
        if part and length + size > LONGEST_LIST:
            yield part
            part, length = [], 0
        part.append(value)
        length += size
    if part:
        yield part


def _rows(scope: Scoped, sql: str, **parameters: object) -> list[StoredEvent]:
    return [_event(row) for row in select(scope, sql, parameters)]


def _event(row: Sequence[Any]) -> StoredEvent:
    identifier, name, actor_id, user_ip, severity, time, properties = row
    known = msgspec.json.decode(properties) if properties else {}
    return StoredEvent(identifier, name, actor_id or None, user_ip or None, severity, as_utc(time), known)


def _like(pattern: str) -> str:
    return pattern.replace("_", r"\_").replace("*", "%")


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
