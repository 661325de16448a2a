"""Appending rows and reading them through pipes (contract B.2 to B.4, vectors E.4 to E.6)."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.identity.contracts import IngestKind, IngestScope
from app.logs import api
from app.logs.access import SecondRate
from app.logs.api import MOST_BYTES
from tests.api.logs.conftest import line

NOW = "2026-01-01 00:00:00"


def run(scenario):
    asyncio.run(scenario())


def threshold(**details: object) -> dict[str, object]:
    return {"service": "auth", "severity": "ERROR", "threshold_per_minute": 2.5, "active": 1, "updated_at": NOW, **details}


def same_minute() -> float:
    """Seconds ago of an instant in the middle of an earlier minute, so that lines around it share the minute."""
    return datetime.now(UTC).second + 90


def test_a_line_that_does_not_fit_is_quarantined_and_the_others_are_returned(logs):
    async def scenario():
        async with logs() as client:
            body = [line(30), line(timestamp="soon"), line(20, service="web")]
            answer = await client.append("system_logs", *body, headers={"content-type": "application/x-www-form-urlencoded"})
            assert (answer.status_code, answer.json()) == (200, {"successful_rows": 2, "quarantined_rows": 1})
            found = await client.pipe("recent_logs")
            assert [row["service"] for row in found["data"]] == ["web", "auth"]
            assert found["rows"] == found["rows_before_limit_at_least"] == 2
            assert found["data"][1] == body[0]
            (refused,) = await client.sql("SELECT * FROM system_logs_quarantine")
            assert refused["error"].startswith("timestamp: not a DateTime") and "soon" in refused["row"]

    run(scenario)


def test_who_does_not_wait_is_told_202_with_the_same_counts_and_reads_the_rows_soon(logs):
    async def scenario():
        async with logs() as client:
            body = "\n".join(json.dumps(row) for row in (line(30), line(timestamp="soon"), line(20)))
            answer = await client.call("POST", "/v0/events?name=system_logs", content=body)
            assert (answer.status_code, answer.json()) == (202, {"successful_rows": 2, "quarantined_rows": 1})
            for _ in range(1000):
                found = await client.pipe("recent_logs")
                if found["rows"] == 2:
                    break
                await asyncio.sleep(0.05)
            assert found["rows"] == 2

    run(scenario)


def test_more_lines_in_a_minute_than_the_threshold_make_an_anomaly_until_it_is_switched_off(logs):
    async def scenario():
        async with logs() as client:
            assert (await client.append("log_anomaly_thresholds", threshold())).json()["successful_rows"] == 1
            ago = same_minute()
            await client.append("system_logs", line(ago), line(ago))
            assert (await client.pipe("log_anomalies"))["data"] == []
            await client.append("system_logs", line(ago))
            found = await client.pipe("log_anomalies")
            (row,) = found["data"]
            assert (row["log_count"], row["threshold_per_minute"], row["excess_ratio"]) == (3, 2.5, 1.2)
            assert row["window_rate_per_minute"] == pytest.approx(3 / 60)
            assert row["minute"].endswith(":00") and found["meta"][0] == {"name": "minute", "type": "DateTime"}
            assert (await client.pipe("log_anomalies", severity="WARN"))["data"] == []
            await client.append("log_anomaly_thresholds", threshold(active=0, updated_at="2026-01-02 00:00:00"))
            assert (await client.pipe("log_anomalies"))["data"] == []
            # An older row that arrives late changes nothing; of two rows of one time the last written counts.
            await client.append("log_anomaly_thresholds", threshold(updated_at="2025-01-01 00:00:00"))
            assert (await client.pipe("log_anomalies"))["data"] == []
            await client.append("log_anomaly_thresholds", threshold(threshold_per_minute=0, updated_at="2026-01-02 00:00:00"))
            (row,) = (await client.pipe("log_anomalies"))["data"]
            assert row["excess_ratio"] == 3

    run(scenario)


def test_a_limit_of_nothing_still_says_what_the_columns_are(logs):
    async def scenario():
        async with logs() as client:
            await client.append("system_logs", line())
            found = await client.pipe("recent_logs", limit=0)
            assert (found["data"], found["rows"], found["rows_before_limit_at_least"]) == ([], 0, 1)
            assert [column["name"] for column in found["meta"]] == list(line())
            assert {column["type"] for column in found["meta"]} == {"DateTime", "String"}

    run(scenario)


def test_the_distribution_counts_per_service_and_severity_largest_first(logs):
    async def scenario():
        async with logs() as client:
            first, last = line(500, service="web", severity="INFO"), line(100, service="web", severity="INFO")
            await client.append("system_logs", line(), last, first, line(7200, service="old"))
            found = await client.pipe("error_distribution")
            assert found["data"] == [
                {
                    "service": "web", "severity": "INFO", "error_count": 2,
                    "first_seen": first["timestamp"], "last_seen": last["timestamp"],
                },
                {
                    "service": "auth", "severity": "ERROR", "error_count": 1,
                    "first_seen": found["data"][1]["first_seen"], "last_seen": found["data"][1]["first_seen"],
                },
            ]  # fmt: skip
            assert len((await client.pipe("error_distribution", severity="INFO"))["data"]) == 1
            assert (await client.pipe("error_distribution", limit=1))["rows_before_limit_at_least"] == 2

    run(scenario)


def test_both_ends_of_the_period_count_and_iso_times_are_understood(logs):
    async def scenario():
        async with logs() as client:
            times = ["2026-01-01 10:00:00", "2026-01-01T10:00:01.9Z", "2026-01-01T11:00:02+01:00", "2026-01-01 10:00:03"]
            await client.append("system_logs", *[line(timestamp=text) for text in times])
            found = await client.pipe("recent_logs", start_time="2026-01-01T10:00:00Z", end_time="2026-01-01 10:00:02")
            assert [row["timestamp"][-2:] for row in found["data"]] == ["02", "01", "00"]

    run(scenario)


def test_formats_paging_and_post_give_the_same_rows(logs):
    async def scenario():
        async with logs() as client:
            await client.append("system_logs", *[line(10 * n, message=f'm{n}, "quoted"') for n in range(1, 6)])
            text = (await client.call("GET", "/v0/pipes/recent_logs.csv")).text
            assert [row["message"] for row in csv.DictReader(io.StringIO(text))] == [f'm{n}, "quoted"' for n in range(1, 6)]
            lines = await client.call("GET", "/v0/pipes/recent_logs.ndjson", params={"limit": 2})
            assert len(lines.text.splitlines()) == 2
            seen, offset = [], 0
            while True:
                page = await client.pipe("recent_logs", q=f"SELECT * FROM _ LIMIT 2 OFFSET {offset}")
                if not page["data"]:
                    assert len(page["meta"]) == 8
                    break
                seen += [row["message"][:2] for row in page["data"]]
                offset += 2
            assert seen == ["m1", "m2", "m3", "m4", "m5"]
            by_form = await client.call("POST", "/v0/pipes/recent_logs.json", data={"limit": "3"})
            by_json = await client.call("POST", "/v0/pipes/recent_logs.json", json={"limit": 3})
            assert by_form.json()["data"] == by_json.json()["data"] and by_form.json()["rows"] == 3

    run(scenario)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"limit": "many"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"q": "DROP TABLE system_logs"}, "SELECT"),
        ({"q": "SELECT * FROM system_logs"}, "_"),
    ],
)
def test_a_faulty_parameter_is_named(logs, parameters, named):
    async def scenario():
        async with logs() as client:
            answer = await client.call("GET", "/v0/pipes/recent_logs.json", params=parameters)
            assert answer.status_code == 400 and named in answer.json()["error"]
            assert set(answer.json()) == {"error", "documentation"}
            assert answer.headers["content-type"] == "application/json"
            assert (await client.call("GET", "/v0/pipes/recent_logs.json?surplus=1&service=")).status_code == 200

    run(scenario)


def test_the_window_of_anomalies_has_bounds(logs):
    async def scenario():
        async with logs() as client:
            for minutes in ("0", "10081", "x"):
                answer = await client.call("GET", f"/v0/pipes/log_anomalies.json?time_window_minutes={minutes}")
                assert answer.status_code == 400 and "time_window_minutes" in answer.json()["error"]

    run(scenario)


def test_bodies_are_refused_by_size_encoding_and_emptiness(logs):
    async def scenario():
        async with logs() as client:
            path = "/v0/events?name=system_logs"
            packed = gzip.compress(b"\n".join(b'{"a":1}' for _ in range(3)))
            gzipped = {"content-encoding": "gzip"}
            assert (await client.call("POST", path, content=packed, headers=gzipped)).json()["quarantined_rows"] == 3
            assert (await client.call("POST", path, content=packed[:-9], headers=gzipped)).status_code == 400
            bomb = gzip.compress(b" " * (MOST_BYTES + 1))
            assert (await client.call("POST", path, content=bomb, headers=gzipped)).status_code == 413
            assert (await client.call("POST", path, content=b" " * (MOST_BYTES + 1))).status_code == 413
            assert (await client.call("POST", path, content=b" \n ")).status_code == 400
            assert (await client.call("POST", "/v0/events", content=b"{}")).status_code == 400
            answer = await client.call("POST", f"{path}&format=ndjson&cli_version=1", json=line())
            assert (answer.status_code, answer.json()) == (202, {"successful_rows": 1, "quarantined_rows": 0})
            assert answer.headers["x-ratelimit-limit"] == "100"

    run(scenario)


def test_a_token_may_only_do_what_its_scope_says(logs, log_token, log_project):
    async def scenario():
        async with logs(IngestScope.APPEND) as client:
            assert (await client.append("system_logs", line())).status_code == 200
            assert (await client.append("other", {"a": 1})).status_code == 404
            assert (await client.call("GET", "/v0/pipes/recent_logs.json")).status_code == 403
            client.token = log_token(log_project, IngestScope.READ)
            assert (await client.append("system_logs", line())).status_code == 403
            assert len((await client.pipe("recent_logs"))["data"]) == 1
            by_query = await client.http.get(f"/v0/pipes/recent_logs.json?token={client.token}")
            assert by_query.status_code == 200
            client.token = log_token(log_project, IngestScope.ADMIN, IngestKind.EVENTS)
            assert (await client.append("system_logs", line())).status_code == 403
            client.token = "unknown"
            refused: httpx.Response = await client.append("system_logs", line())
            assert refused.status_code == 403 and set(refused.json()) == {"error", "documentation"}
            assert (await client.http.post("/v0/events?name=system_logs", json=line())).status_code == 403

    run(scenario)


def test_what_is_not_there_answers_in_the_dialect(logs):
    async def scenario():
        async with logs() as client:
            for method, path, status in (
                ("GET", "/v0/pipes/unknown.json", 404),
                ("GET", "/v0/pipes/recent_logs.parquet", 404),
                ("GET", "/v0/nothing", 404),
                ("DELETE", "/v0/events", 405),
                ("GET", "/v0/events", 405),
            ):
                answer = await client.call(method, path)
                assert (answer.status_code, set(answer.json())) == (status, {"error", "documentation"}), path
                assert answer.headers["content-type"] == "application/json"

    run(scenario)


def test_over_a_hundred_requests_a_second_are_told_when_to_come_back(logs, monkeypatch):
    async def scenario():
        async with logs(IngestScope.APPEND) as client:
            monkeypatch.setattr(api, "_rate", SecondRate(monotonic=lambda: 0.0))
            for _ in range(100):
                assert (await client.call("POST", "/v0/events?name=system_logs", content=b"")).status_code == 400
            refused = await client.call("POST", "/v0/events?name=system_logs", content=b"")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
            assert [refused.headers[name] for name in names] == ["100", "0", "1"]

    run(scenario)


def test_future_lines_are_kept_and_make_no_anomaly(logs):
    async def scenario():
        async with logs() as client:
            await client.append("log_anomaly_thresholds", threshold(threshold_per_minute=0))
            await client.append("system_logs", line(-600))
            assert (await client.pipe("log_anomalies"))["data"] == []
            later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
            assert len((await client.pipe("recent_logs", end_time=later))["data"]) == 1

    run(scenario)
