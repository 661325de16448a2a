"""The instance's Prometheus registry and the metrics that several areas write to."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

# Their names break the naming rules that Prometheus checks, and nothing reads them.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()

HTTP_REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "status"], registry=REGISTRY)
HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["method"],
    registry=REGISTRY,
)
INGEST_RECORDS = Counter(
    "plumbline_ingest_records_total",
    "Received records by how they ended; `reason` is empty for accepted ones",
    ["surface", "outcome", "reason"],
    registry=REGISTRY,
)
INGEST_UNACCOUNTED = Gauge(
    "plumbline_ingest_unaccounted_records",
    "Records that were received more than a minute ago and ended neither accepted, flagged, quarantined nor dropped",
    registry=REGISTRY,
)
INGEST_QUEUE_BYTES = Gauge("plumbline_ingest_queue_bytes", "Acknowledged bytes not yet in the event store", registry=REGISTRY)
JOB_RUNS = Counter("plumbline_job_runs_total", "Background job runs by result", ["job", "result"], registry=REGISTRY)
RETENTION_REMOVED = Counter("plumbline_retention_removed_total", "Rows removed for their age", ["kind"], registry=REGISTRY)
ANOMALIES_DETECTED = Counter("driftlock_anomalies_detected_total", "Anomalies stored by detection", registry=REGISTRY)
ANOMALIES_PROCESSED = Counter("driftlock_anomalies_processed_total", "Anomalies handed to alerting", registry=REGISTRY)
EVENTS_PROCESSED = Counter("driftlock_events_processed_total", "Events accepted by the event API", registry=REGISTRY)


def render() -> bytes:
    """The registry in the Prometheus text format."""
    return generate_latest(REGISTRY)
