"""What the parts of the security area hand each other: events, what is known of an address, history and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol


class Scoped(Protocol):
    """Whatever names a tenant and one of its projects: the caller's key, or the project a person looks at."""

    @property
    def tenant_id(self) -> str:
        """The tenant."""
        ...

    @property
    def project_id(self) -> str:
        """The project."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """The project a person looks at."""

    tenant_id: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What local files tell of a public address; all None and no score for any other (contract C.5)."""

    country_code: str | None = None
    country_name: str | None = None
    city: str | None = None
    region: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    timezone: str | None = None
    asn: int | None = None
    asn_org: str | None = None
    isp: str | None = None
    network_type: str | None = None
    is_vpn: bool | None = None
    is_tor: bool | None = None
    is_proxy: bool | None = None
    is_datacenter: bool | None = None
    is_mobile: bool | None = None
    threat_score: int | None = None
    threat_reasons: tuple[str, ...] = ()

    def as_mapping(self) -> dict[str, Any]:
        """Every field by its name."""
        return dict(zip(self.__slots__, _ENRICHMENT_VALUES(self), strict=True))


_ENRICHMENT_VALUES = attrgetter(*Enrichment.__slots__)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One stored event. `at` is the server's time, aware."""

    id: str
    name: str
    at: datetime
    severity: str
    actor_id: str | None = None
    actor_email: str | None = None
    user_ip: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    enrichment: Enrichment = field(default_factory=Enrichment)


@dataclass(frozen=True, slots=True)
class ActorHistory:
    """Earlier events of the same actor or address, oldest first, the judged event not among them."""

    by_actor: tuple[SecurityEvent, ...] = ()
    by_ip: tuple[SecurityEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an alert is raised for. `subject` is the actor or address that further events of it share."""

    alert_type: str
    severity: str
    title: str
    description: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is kept."""

    id: str
    name: str
    actor_id: str | None
    user_ip: str | None
    severity: str
    time: datetime
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; empty words filter nothing. `since` is inclusive, `until` too."""

    since: datetime
    until: datetime | None = None
    event: str = ""
    actor_id: str = ""
    severities: tuple[str, ...] = ()
    user_ip: str = ""
    country_code: str = ""


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
