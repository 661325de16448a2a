"""What the services of the demo shop write into their logs: a quiet week, an outage, and a provider that fails now. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from app.demo.story import HOUR, SEED, Timeline
from app.ingest.service import Record

DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a service writes so often in an hour; `{order}` and `{number}` are filled in."""

    service: str
    severity: str
    hourly: float
    message: str
    code: str = ""


USUAL: Final = (
    Line("storefront", "INFO", 6.0, "Rendered /tea in {number} ms"),
    Line("storefront", "INFO", 4.0, "Catalogue reloaded, {number} products"),
    Line("storefront", "WARN", 0.8, "Search took {number} ms, longer than 500 ms", "SLOW_SEARCH"),
    Line("checkout", "INFO", 5.0, "Order {order} confirmed"),
    Line("checkout", "WARN", 0.5, "Basket of {order} was changed in two tabs", "BASKET_CONFLICT"),
    Line("payments", "INFO", 5.0, "Payment of {order} authorised in {number} ms"),
    Line("payments", "WARN", 0.7, "Provider answered after {number} ms, trying again", "PROVIDER_SLOW"),
    Line("payments", "ERROR", 0.3, "Provider refused the payment of {order}", "PAYMENT_REFUSED"),
    Line("accounts", "INFO", 3.0, "Sent a sign-in link, queue holds {number} mails"),
    Line("accounts", "ERROR", 0.1, "Mail server closed the connection", "MAIL_CLOSED"),
    Line("fulfilment", "INFO", 3.0, "Label for {order} printed"),
)
OUTAGE: Final = (
    Line("checkout", "ERROR", 340.0, "Order {order} could not be saved: the database did not answer", "DATABASE_TIMEOUT"),
    Line("payments", "ERROR", 120.0, "No connection to the provider after {number} ms", "PROVIDER_UNREACHABLE"),
)
SPIKE: Final = (
    Line("payments", "ERROR", 260.0, "Provider answered 503 for {order}", "PROVIDER_503"),
    Line("payments", "WARN", 90.0, "Payment of {order} is tried again in {number} ms", "PAYMENT_RETRY"),
)
THRESHOLDS: Final = (
    ("checkout", "ERROR", 10.0, True),
    ("payments", "ERROR", 8.0, True),
    ("storefront", "WARN", 10.0, True),
    ("accounts", "ERROR", 2.0, False),
)
"""Service, severity, how many lines a minute are too many, and whether the threshold is switched on."""


def log_records(timeline: Timeline) -> list[Record]:
    """The lines of the last days up to now, oldest first. The same hour gives the same lines."""
    random = np.random.default_rng([SEED, 1, int(timeline.current_hour.timestamp()) // 3600])
    first = timeline.current_hour - timedelta(days=DAYS)
    spans = [
        *((line, first, timeline.now) for line in USUAL),
        *((line, *timeline.outage) for line in OUTAGE),
        *((line, timeline.spike[0], timeline.now) for line in SPIKE),
    ]
    found = [record for line, start, stop in spans for record in _lines(line, start, stop, random)]
    return sorted(found, key=lambda record: (record.time, record.id))


def _lines(line: Line, start: datetime, stop: datetime, random: np.random.Generator) -> Iterator[Record]:
    seconds = (stop - start).total_seconds()
    for offset in np.sort(random.random(random.poisson(line.hourly * seconds / HOUR.total_seconds()))):
        moment = start + timedelta(seconds=float(offset) * seconds)
        order, number = f"JL-{random.integers(100_000, 999_999)}", int(random.integers(40, 900))
        yield Record(
            kind="log",
            source=line.service,
            name="system_logs",
            time=moment,
            received_at=moment,
            id=str(UUID(bytes=random.bytes(16), version=4)),
            properties={
                "server_id": f"{line.service}-{random.integers(1, 4)}",
                "error_code": line.code,
                "resource_id": order if "{order}" in line.message else "",
                "metadata": "{}",
            },
            severity=line.severity,
            body=line.message.format(order=order, number=number),
        )
