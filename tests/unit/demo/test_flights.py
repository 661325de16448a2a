"""The flights of 2013: as events, over the wire, and judged by the engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from app.demo import blizzard
from app.demo.blizzard import Finding
from app.demo.flight_records import CANCELLED, DEPARTED, FlightRecords, flight_records
from app.demo.flights import MIN_EXPECTED_COUNT, FlightsDemoError, post_flights
from app.detection.contracts import DetectionSettings
from app.detection.engine.episodes import episodes
from app.detection.engine.judging import Verdict, judge
from app.detection.engine.matrix import CountMatrix
from app.detection.judgements import direction_of
from app.kernel.intervals import Interval, bucket_index
from app.kernel.settings import Settings

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def two_months() -> FlightRecords:
    return flight_records(2)


def hourly(records: FlightRecords) -> tuple[CountMatrix, list[str]]:
    names = [DEPARTED, CANCELLED, "Flights 2013"]
    first = bucket_index(records.start, Interval.HOUR)
    counts = np.zeros((int((records.stop - records.start) / HOUR), 3))
    for event in records.events:
        row = bucket_index(datetime.fromisoformat(event["timestamp"]), Interval.HOUR) - first
        counts[row, names.index(event["operation"])] += 1
        counts[row, 2] += 1
    return CountMatrix(Interval.HOUR, first, counts), names


def test_events_have_their_scheduled_time_in_utc_and_lasting_ids(two_months: FlightRecords):
    first = two_months.events[0]
    assert first == {
        "id": first["id"],
        "timestamp": "2013-01-01T10:15:00.000Z",
        "service": "flights",
        "operation": "flight_departed",
        "status": "departed",
        "custom_attributes": {
            "distance": 1400,
            "flight": "UA1545",
            "carrier": "UA",
            "origin": "EWR",
            "dest": "IAH",
            "tailnum": "N14228",
            "dep_delay": 2,
            "arr_delay": 11,
        },
    }
    assert len({event["id"] for event in two_months.events}) == len(two_months.events) == 51955
    assert flight_records(1).events[1000]["id"] == two_months.events[1000]["id"]
    json.dumps(two_months.events, allow_nan=False)
    assert two_months.start == datetime(2013, 1, 1, 10, tzinfo=UTC)


def test_the_engine_finds_the_blizzard_and_flags_at_most_two_per_cent(two_months: FlightRecords):
    matrix, names = hourly(two_months)
    verdicts = judge(matrix, DetectionSettings(min_expected_count=MIN_EXPECTED_COUNT))
    assert (verdicts.verdict == Verdict.ANOMALY).mean() <= 0.02
    findings = [
        Finding(
            names[one.column],
            direction_of(matrix.counts[one.row, one.column], verdicts.expected[one.row, one.column]),
            matrix.bucket(one.row),
            matrix.bucket(one.last_row),
            one.last_row - one.row + 1,
        )
        for one in episodes(matrix, verdicts)
    ]
    assert blizzard.shortcomings(findings, hours=matrix.bucket_count, series_count=3) == []


@pytest.mark.slow
def test_a_whole_year_of_departures_stays_under_two_per_cent_over_both_changes_of_the_clock():
    matrix, _ = hourly(flight_records(12))
    for least in (0, MIN_EXPECTED_COUNT, 10):
        verdicts = judge(matrix, DetectionSettings(min_expected_count=least))
        assert (verdicts.verdict == Verdict.ANOMALY).mean() <= 0.02


def test_missing_findings_are_named():
    assert len(blizzard.shortcomings([], hours=100, series_count=3)) == 2
    noisy = [Finding("x", direction_of(1, 0), blizzard.BLIZZARD_START, blizzard.BLIZZARD_START, 7)]
    assert "2.33%" in blizzard.shortcomings(noisy, hours=100, series_count=3)[-1]


class Server:
    def __init__(self, refusals: list[httpx.Response]) -> None:
        self.refusals = refusals
        self.bodies: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/events" and request.headers["Authorization"] == "Bearer token"
        if self.refusals:
            return self.refusals.pop(0)
        body = json.loads(request.content)
        self.bodies.append(body)
        return httpx.Response(200, json={"processed": len(body["events"]), "failed": 0, "message": ""})


def send(server: Server, records: FlightRecords, pauses: list[float], **options):
    with httpx.Client(transport=httpx.MockTransport(server)) as client:
        return post_flights("http://x", "token", http_client=client, records=records, sleep=pauses.append, **options)


def test_flights_go_in_batches_of_a_thousand_and_wait_as_told(two_months: FlightRecords):
    records = FlightRecords(two_months.events[:2500], two_months.start, two_months.stop)
    server = Server([httpx.Response(503, headers={"Retry-After": "3"}), httpx.Response(429, headers={"Retry-After": "7"})])
    pauses: list[float] = []
    heard: list[tuple[int, int]] = []
    posted = send(server, records, pauses, progress=lambda done, total: heard.append((done, total)))
    assert [len(body["events"]) for body in server.bodies] == [1000, 1000, 500]
    assert pauses == [3.0, 7.0]
    assert heard[-1] == (2500, 2500)
    assert posted.total == 2500 and posted.cancelled == sum(e["operation"] == CANCELLED for e in records.events)
    sent = [event["id"] for body in server.bodies for event in body["events"]]
    assert sent == [event["id"] for event in records.events]


@pytest.mark.parametrize(("answers", "words"), [([httpx.Response(401, text="no")], "401"), ([httpx.Response(503)] * 20, "refused")])
def test_a_server_that_does_not_take_them_ends_the_demonstration(two_months: FlightRecords, answers, words: str):
    records = FlightRecords(two_months.events[:10], two_months.start, two_months.stop)
    with pytest.raises(FlightsDemoError, match=words):
        send(Server(list(answers)), records, [])


def test_the_year_lies_within_what_default_settings_accept_and_keep():
    settings = Settings()
    age_days = (datetime.now(UTC) - datetime(2013, 1, 1, tzinfo=UTC)).days
    assert age_days < settings.ingest.max_age_days <= settings.storage.retention_days
