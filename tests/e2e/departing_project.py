"""A project whose counts departed: an outage that was told about, a spike, a release that lost an event, a field that moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from app.detection import service as detection
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from models.alerting import AlertDelivery, AlertDeliveryItem
from models.detection import Anomaly
from models.metrics import MetricBreakdown, MetricBucket, MetricCoverage, MetricDistribution
from models.projects import Project
from tests.e2e.plan_api import Api
from tests.e2e.server import RunningServer
from tests.factories import make_scan_config

HOURS = 30 * 24
OUTAGE, SPIKE, RELEASE = range(30, 33), 130, 80
"""Hours ago."""


@dataclass(frozen=True)
class Departing:
    """Ids of what departed."""

    order_id: str
    view_id: str
    scan_id: str


def make_departing(server: RunningServer, api: Api) -> Departing:
    """Thirty days of two events with a daily shape, judged; a message was sent about the outage."""
    kind = api.event_type("shop")
    order, view = (str(api.event(kind, name, status="live")["id"]) for name in ("order_placed", "page_viewed"))
    with session_scope(create_engine(f"sqlite:///{server.data_dir / 'plumbline.db'}")) as session:
        project = session.get_one(Project, kind["project_id"])
        config = make_scan_config(session, project, name="Received events")
        config.app_version_column, config.metric_breakdown_columns = "app_version", ["country"]
        config.distribution_drift_fields = ["currency"]
        floor = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
        config.collected_until = floor
        session.flush()
        _count(session, config.id, str(kind["id"]), order, view, floor)
        detection.enable_by_default(session, project.id)
        session.flush()
        detection.evaluate_config(session, config.id, SYSTEM_CLOCK.now())
        _tell(session, project.id, config.id, order)
        return Departing(order, view, config.id)


def _count(session: Session, scan_id: str, type_id: str, order: str, view: str, floor: Any) -> None:
    rows: dict[Any, list[dict[str, Any]]] = {MetricCoverage: [], MetricBucket: [], MetricBreakdown: [], MetricDistribution: []}
    for ago in range(1, HOURS + 1):
        bucket = floor - timedelta(hours=ago)
        shape = 1 + 0.45 * math.sin((bucket.hour - 9) / 24 * 2 * math.pi)
        orders = 0 if ago in OUTAGE else round(90 * shape) + ago % 5
        views = round(240 * shape * (2.6 if ago == SPIKE else 1)) + ago % 7
        scan = {"scan_config_id": scan_id, "bucket": bucket}
        rows[MetricCoverage].append({**scan, "total_count": orders + views, "matched_count": orders + views})
        whole = orders + views
        scopes = [("event", order, orders), ("event", view, views), ("event_type", type_id, whole)]
        scopes.append(("project_total", scan_id, whole))
        for scope, ref, count in scopes:
            of_scope = {**scan, "scope_type": scope, "scope_ref": ref}
            if count and scope != "project_total":
                rows[MetricBucket].append({**of_scope, "count": count})
            parts = [("country", "DE", 0.55), ("country", "FR", 0.3), ("country", "PL", 0.15)]
            parts += [("app_version", version, share) for version, share in _versions(ago, ref == order)]
            for column, value, share in parts:
                if number := round(count * share):
                    split = {"breakdown_column": column, "breakdown_value": value, "is_other": False, "count": number}
                    rows[MetricBreakdown].append({**of_scope, **split})
        shares = (("EUR", 0.6), ("USD", 0.3), ("PLN", 0.1)) if ago > 6 else (("EUR", 0.28), ("USD", 0.34), ("PLN", 0.38))
        rows[MetricDistribution] += [
            {**scan, "event_type_id": type_id, "field_name": "currency", "value": value, "count": round(orders * share) + 1}
            for value, share in shares
        ]
    for model, found in rows.items():
        session.connection().execute(sa.insert(model.__table__), found)


def _versions(ago: int, is_order: bool) -> list[tuple[str, float]]:
    """Shares of the app versions; the newest loses most of the orders."""
    if ago > RELEASE:
        return [("4.1.0", 1.0)]
    adopted = min(0.6, (RELEASE - ago) / RELEASE)
    return [("4.1.0", 1 - adopted), ("4.2.0", adopted * (0.12 if is_order else 1.0)), ("4.3.0-beta", 0.01)]


def _tell(session: Session, project_id: str, scan_id: str, order: str) -> None:
    found = sa.select(Anomaly).where(Anomaly.scope_ref == order, Anomaly.direction == "drop").order_by(Anomaly.bucket.desc())
    anomaly = session.execute(found.limit(1)).scalar_one()
    text = f"order_placed fell to 0, {anomaly.expected_count:.0f} expected"
    delivery = AlertDelivery(
        project_id=project_id, scan_config_id=scan_id, destination_id="chat", rule_id="drops", destination_name="Team chat",
        rule_name="Drops of orders", scan_name="Received events", status="sent", channel="slack", matched_count=1,
        payload_snapshot={"subject": "1 drop in the shop", "rendered_message": text}, sent_at=anomaly.bucket,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    session.add(
        AlertDeliveryItem(
            delivery_id=delivery.id, scope_type="event", scope_ref=order, scope_name="order_placed", bucket=anomaly.bucket,
            direction="drop", actual_count=0, expected_count=round(anomaly.expected_count), percent_delta=100.0,
            absolute_delta=round(anomaly.expected_count), correlation_group_id="00000000-0000-4000-8000-0000000000aa",
        )
    )  # fmt: skip
