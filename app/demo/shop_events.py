"""The demo shop's records as lines for the event store, made a column at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from app.demo.slips import carriers, slipped
from app.demo.story import EVENTS, SEED, ShopEvent, Timeline, counts
from app.demo.visitors import traits

ROWS_PER_BATCH = 40_000
CUSTOMERS = 6000
_NOT_IN_PLAN = "not in plan"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"
_RECEPTION_DELAY_MILLISECONDS = 400

Texts = list[str]
_Draw = Callable[[np.random.Generator, int], Mapping[str, Any]]

PAGES = ("/", "/tea", "/coffee", "/mugs", "/gifts", "/about", "/delivery", "/basket")
PRODUCTS = ("Assam 250 g", "Darjeeling 100 g", "Sencha 100 g", "House blend 500 g", "Filter papers", "Stoneware mug", "Teapot 1 l")
SEARCHES = ("green tea", "gift box", "mug", "decaf", "earl grey", "teapot", "filter", "sampler")
CARRIERS = ("Northline", "Parcelway", "QuickPost")
METHODS = ("card", "wallet", "invoice", "bank_transfer")
FAILURES = ("insufficient_funds", "authentication_abandoned", "provider_timeout", "card_expired", "do_not_honour")


def _pick(random: np.random.Generator, values: tuple[str, ...], size: int) -> Texts:
    # Earlier values are more frequent.
    weights = 1.0 / np.arange(1, len(values) + 1)
    return [values[index] for index in random.choice(len(values), size, p=weights / weights.sum())]


def _amount(random: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    return np.round(random.lognormal(3.3, 0.5, size), 2)


def _order(random: np.random.Generator, size: int) -> Texts:
    return [f"JL-{number}" for number in random.integers(100_000, 999_999, size)]


_PROPERTIES: Mapping[str, _Draw] = {
    "page_viewed": lambda r, n: {"path": _pick(r, PAGES, n)},
    "product_viewed": lambda r, n: {"product": _pick(r, PRODUCTS, n), "price": _amount(r, n)},
    "search_performed": lambda r, n: {"query": _pick(r, SEARCHES, n), "result_count": r.integers(0, 40, n)},
    "coupon_applied": lambda r, n: {"code": _pick(r, ("AUTUMN10", "WELCOME", "FRIEND5"), n), "discount": _amount(r, n)},
    "gift_banner_clicked": lambda r, n: {"banner": _pick(r, ("gift-box", "sampler"), n)},
    "item_added_to_basket": lambda r, n: {
        "gift_wrap": r.random(n) < 0.15,
        "product": _pick(r, PRODUCTS, n),
        "quantity": r.integers(1, 4, n),
    },
    "checkout_started": lambda r, n: {"basket_value": _amount(r, n)},
    "order_placed": lambda r, n: {"amount": _amount(r, n), "order_id": _order(r, n)},
    "payment_authorized": lambda r, n: {"amount": _amount(r, n), "method": _pick(r, METHODS, n), "order_id": _order(r, n)},
    "payment_failed": lambda r, n: {"amount": _amount(r, n), "method": _pick(r, METHODS, n), "reason": _pick(r, FAILURES, n)},
    "refund_issued": lambda r, n: {"amount": _amount(r, n), "order_id": _order(r, n)},
    "signed_in": lambda r, n: {"method": _pick(r, ("password", "link"), n)},
    "account_created": lambda r, n: {"newsletter": r.random(n) < 0.4},
    "parcel_handed_over": lambda r, n: {
        "carrier": _pick(r, CARRIERS, n),
        "order_id": _order(r, n),
        "weight_g": r.integers(90, 4000, n),
    },
    "parcel_delivered": lambda r, n: {"carrier": _pick(r, CARRIERS, n), "order_id": _order(r, n)},
    "newsletter_popup_closed": lambda r, n: {"path": _pick(r, PAGES, n)},
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines for one insert."""

    lines: bytes
    rows: int


def event_batches(tenant_id: str, project_id: str, timeline: Timeline) -> Iterator[Batch]:
    """Every event up to now, oldest first. The same project and hour give the same volumes."""
    hour_number = int(timeline.current_hour.timestamp()) // 3600
    random = np.random.default_rng([SEED, hour_number])
    frame = pl.concat([_frame(event, timeline, random) for event in EVENTS if event.mean > 0]).sort("milliseconds")
    frame = _finished(frame, tenant_id, project_id, timeline.now, random)
    for part in frame.iter_slices(ROWS_PER_BATCH):
        buffer = io.BytesIO()
        part.write_ndjson(buffer)
        yield Batch(buffer.getvalue(), part.height)


def _frame(event: ShopEvent, timeline: Timeline, random: np.random.Generator) -> pl.DataFrame:
    per_hour = counts(event, timeline)
    size = int(per_hour.sum())
    starts = np.array([int(hour.timestamp() * 1000) for hour in timeline.hours])
    # Nothing happens after now: the running hour is filled up to it.
    lengths = np.full(starts.size, 3_600_000)
    lengths[-1] = max(1, int(timeline.now.timestamp() * 1000) - _RECEPTION_DELAY_MILLISECONDS - int(starts[-1]))
    moments = np.repeat(starts, per_hour) + (random.random(size) * np.repeat(lengths, per_hour)).astype(np.int64)
    drawn = {**_PROPERTIES[event.name](random, size), **traits(event, moments, timeline, random)}
    drawn, faults = slipped(event, drawn, moments, timeline, random)
    if event.status is None:
        faults = [_NOT_IN_PLAN] * size
    properties = _encoded(drawn, carriers(event, moments, timeline))
    failed = "failed" in event.name
    return pl.DataFrame(
        {
            "milliseconds": moments,
            "value": np.round(random.lognormal(4.2, 0.7, size), 1),
            "customer": random.integers(1, CUSTOMERS, size),
            "verdict_reason": pl.Series(faults, dtype=pl.String),
        }
    ).with_columns(
        pl.lit(event.source).alias("source"),
        pl.lit(event.name).alias("name"),
        pl.lit("error" if failed else "ok").alias("status"),
        pl.when(pl.col("verdict_reason") == "").then(pl.lit("accepted")).otherwise(pl.lit("flagged")).alias("verdict"),
        properties,
    )


def _encoded(drawn: Mapping[str, Any], carried: Mapping[str, npt.NDArray[np.bool_]]) -> pl.Series:
    """The properties of every record as JSON, keys in order; those in `carried` only where their records carry them."""
    frame = pl.DataFrame({key: drawn[key] for key in sorted(drawn)})
    text = pl.struct(pl.all()).struct.json_encode()
    for name, rows in carried.items():
        text = pl.when(pl.Series(rows)).then(text).otherwise(pl.struct(pl.all().exclude(name)).struct.json_encode())
    return frame.select(text.alias("properties")).to_series()


def _finished(frame: pl.DataFrame, tenant_id: str, project_id: str, now: datetime, random: np.random.Generator) -> pl.DataFrame:
    happened = pl.from_epoch("milliseconds", time_unit="ms")
    received = pl.from_epoch(pl.col("milliseconds") + _RECEPTION_DELAY_MILLISECONDS, time_unit="ms")
    customer = pl.col("customer").cast(pl.String)
    digits = random.bytes(16 * frame.height).hex()
    ids = pl.Series("id", [_uuid(digits, start) for start in range(0, len(digits), 32)])
    return frame.select(
        pl.lit(tenant_id).alias("tenant_id"),
        pl.lit(project_id).alias("project_id"),
        pl.lit("event").alias("kind"),
        "source",
        "name",
        happened.dt.strftime(_TIME_FORMAT).alias("time"),
        pl.min_horizontal(received, pl.lit(now.replace(tzinfo=None))).dt.strftime(_TIME_FORMAT).alias("received_at"),
        ids,
        (pl.lit("customer-") + customer).alias("actor_id"),
        (pl.lit("visit-") + customer + "-" + (pl.col("milliseconds") // 1_800_000).cast(pl.String)).alias("session_id"),
        "status",
        "value",
        pl.lit("production").alias("environment"),
        "verdict",
        "verdict_reason",
        "properties",
    )


def _uuid(digits: str, start: int) -> str:
    text = digits[start : start + 32]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


_REFUSED = (
    ("service is empty", {"operation": "order_placed", "service": ""}),
    ("timestamp is not an ISO 8601 date and time", {"operation": "page_viewed", "service": "storefront", "timestamp": "yesterday"}),
    ("duration must be at least 0", {"duration": -12, "operation": "payment_failed", "service": "payments"}),
    ("timestamp is out of range", {"operation": "signed_in", "service": "accounts", "timestamp": 99_999_999_999_999}),
)
_REFUSED_COUNT = 48


def refused_batch(tenant_id: str, project_id: str, timeline: Timeline) -> Batch:
    """Records that broke a rule, spread over the last two days; the newest are minutes old."""
    lines = []
    for number in range(_REFUSED_COUNT):
        reason, raw = _REFUSED[number % len(_REFUSED)]
        received_at = timeline.now - timedelta(minutes=2) - number**2 * timedelta(minutes=1.25)
        row = {
            "tenant_id": tenant_id,
            "project_id": project_id,
            "kind": "event",
            "received_at": received_at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "reason": reason,
            "raw": json.dumps(raw, sort_keys=True),
        }
        lines.append(json.dumps(row))
    return Batch("\n".join(lines).encode() + b"\n", len(lines))
