"""SQL of clients, data sources and the catalogue of pipes (contract B.5)."""

from __future__ import annotations

import asyncio

import pytest

from app.identity.contracts import IngestScope
from app.kernel.database import session_scope
from tests.api.logs.conftest import line
from tests.api.logs.test_rows_and_pipes import run, threshold
from tests.factories import make_project

SECRET = "secret of a neighbour"

HOSTILE = [
    "",
    "SELECT",
    "SELECT * FROM events",
    "SELECT * FROM default.events",
    "SELECT * FROM plumbline.events",
    'SELECT * FROM "plumbline.events"',
    "SELECT * FROM `plumbline`.`events`",
    "SELECT * FROM quarantine",
    "SELECT * FROM system.tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM system_logs; DROP TABLE events",
    "DROP TABLE events",
    "INSERT INTO system_logs VALUES (1)",
    "ALTER TABLE events DELETE WHERE 1",
    "TRUNCATE TABLE events",
    "SELECT * FROM system_logs SETTINGS readonly = 0",
    "SELECT * FROM system_logs INTO OUTFILE '/tmp/x'",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1/', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', 'default', 'events')",
    "SELECT * FROM numbers(1000000000)",
    "SELECT * FROM merge('plumbline', 'events')",
    "SELECT * FROM cluster('default', 'system', 'tables')",
    "SELECT * FROM executable('id', 'TSV', 'x String')",
    "SELECT * FROM system_logs WHERE service IN events",
    "SELECT * FROM system_logs WHERE service IN (SELECT source FROM events)",
    "SELECT * FROM system_logs UNION ALL SELECT * FROM events",
    "SELECT * FROM system_logs JOIN events USING (service)",
    "SELECT * FROM system_logs, events",
    "WITH events AS (SELECT 1) SELECT * FROM plumbline.events",
    "WITH system_logs AS (SELECT * FROM events) SELECT * FROM system_logs",
    "WITH 1 AS events SELECT * FROM events",
    "SELECT * FROM (WITH events AS (SELECT 1 AS a) SELECT * FROM events) AS q, events",
    "SELECT (SELECT count() FROM events) FROM system_logs",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('events', 'body', 1)",
    "SELECT currentDatabase()",
    "SELECT currentUser()",
    "SELECT version()",
    "SELECT hostName()",
    "SELECT getSetting('max_threads')",
    "SELECT sleep(3)",
    "SELECT throwIf(1)",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM system_logs FINAL",
    "SELECT * FROM system_logs SAMPLE 0.1",
    "SELECT {tenant:String} FROM system_logs",
    "SELECT '{database}' , {project:String}",
    "SELECT * FROM system_logs -- comment",
    "SELECT * FROM system_logs /* comment */",
    "SELECT * FROM system_logs\x00",
    "SHOW TABLES",
    "DESCRIBE TABLE events",
    "EXPLAIN SELECT * FROM events",
    "SELECT * FROM system_logs FORMAT Null",
    "SELECT * FROM system_logs AS events JOIN plumbline.events AS e ON 1 = 1",
    "(" * 5000 + "SELECT 1" + ")" * 5000,
    "SELECT " + "(" * 500 + "1" + ")" * 500,
    "SELECT '" + "a" * 200_000 + "'",
    "SELECT \u2018a\u2019",
    "SELECT no_such_column FROM system_logs",
    "SELECT toDate('x') FROM system_logs WHERE throwIf(1)",
]


def test_no_hostile_statement_runs_or_shows_what_belongs_to_others(logs):
    with session_scope() as session:
        neighbour = make_project(session).id

    async def scenario():
        async with logs(project_id=neighbour) as client:
            await client.append("system_logs", line(message=SECRET, service=SECRET))
        async with logs() as client:
            await client.append("system_logs", line())
            for question in HOSTILE:
                answer = await client.call("POST", "/v0/sql", content=question.encode())
                assert answer.status_code == 400, (question[:100], answer.text[:300])
                assert SECRET not in answer.text and set(answer.json()) == {"error", "documentation"}
            assert len(await client.sql("SELECT * FROM system_logs")) == 1

    run(scenario)


def test_sql_reads_data_sources_and_pipes_of_the_caller_together(logs):
    async def scenario():
        async with logs() as client:
            await client.append("log_anomaly_thresholds", threshold(), threshold(service="web; '\\", active=0))
            await client.append("system_logs", line(10), line(20), line(30, service="web", message="50% {done} \u00fc"))
            assert await client.sql(
                "WITH counted AS (SELECT service, count() AS n FROM system_logs GROUP BY service)"
                " SELECT counted.service AS service, n, t.threshold_per_minute AS threshold FROM counted"
                " LEFT JOIN log_anomaly_thresholds AS t ON t.service = counted.service ORDER BY n DESC"
            ) == [{"service": "auth", "n": 2, "threshold": 2.5}, {"service": "web", "n": 1, "threshold": 0.0}]
            assert [row["service"] for row in await client.sql("SELECT service FROM log_anomaly_thresholds ORDER BY active")] == [
                "web; '\\",
                "auth",
            ]
            assert await client.sql("SELECT count() AS n FROM recent_logs WHERE message LIKE '50% {done%'") == [{"n": 1}]
            assert (await client.sql("SELECT system_logs.service AS s FROM system_logs ORDER BY timestamp LIMIT 1")) == [
                {"s": "web"}
            ]
            (row,) = await client.sql("SELECT max(timestamp) AS newest FROM system_logs WHERE service IN ('auth', 'x')")
            assert len(row["newest"]) == 19
            assert await client.sql("SELECT 1 + 1 AS two") == [{"two": 2}]

    run(scenario)


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("", "a\t1\n"),
        (" FORMAT TSVWithNames", "service\tn\na\t1\n"),
        (" FORMAT CSV", '"a",1\n'),
        (" FORMAT CSVWithNames;", '"service","n"\n"a",1\n'),
        (" format JSONEachRow", '{"service":"a","n":1}\n'),
    ],
)
def test_a_statement_may_end_with_its_format(logs, ending, text):
    async def scenario():
        async with logs() as client:
            await client.append("system_logs", line(service="a"))
            question = f"SELECT service, count() AS n FROM system_logs GROUP BY service{ending}"
            assert (await client.call("POST", "/v0/sql", content=question.encode())).text == text
            assert (await client.call("GET", "/v0/sql", params={"q": question})).text == text

    run(scenario)


def test_an_administrator_makes_data_sources_from_rows(logs, log_token, log_project):
    async def scenario():
        async with logs() as client:
            rows = [
                {"city": "Oslo", "degrees": 3.5, "at": "2026-01-01 00:00:00"},
                {"city": 7, "degrees": "warm", "at": "2026-01-01"},
            ]
            answer = await client.append("weather", *rows)
            assert answer.json() == {"successful_rows": 2, "quarantined_rows": 0}, "columns of mixed types are text"
            loaded = await client.call(
                "POST",
                "/v0/datasources?name=prices&mode=create&format=csv",
                files={"csv": ("p.csv", b"item,price\nbread,2.5\nmilk,1\n")},
            )
            assert loaded.status_code == 200, loaded.text
            assert set(loaded.json()) == {"datasource", "import_id", "invalid_lines", "quarantine_rows", "error"}
            assert await client.sql("SELECT item, price FROM prices ORDER BY item") == [
                {"item": "bread", "price": 2.5},
                {"item": "milk", "price": 1.0},
            ]
            assert (await client.call("POST", "/v0/datasources?name=prices&mode=create", content=b'{"a":1}')).status_code == 409
            more = b'{"item": "tea", "price": 4}\n{"item": "x"}'
            answer = await client.call("POST", "/v0/datasources?name=prices&mode=append&format=ndjson", content=more)
            assert answer.json()["quarantine_rows"] == 1
            assert await client.sql("SELECT count() AS n FROM prices") == [{"n": 3}]
            await client.call("POST", "/v0/datasources?name=prices&mode=replace", content=b'{"item": "salt", "price": 9}')
            assert await client.sql("SELECT item FROM prices") == [{"item": "salt"}]
            assert (await client.call("POST", "/v0/datasources/prices/truncate")).status_code == 204
            assert await client.sql("SELECT count() AS n FROM prices") == [{"n": 0}]
            names = [one["name"] for one in (await client.call("GET", "/v0/datasources")).json()["datasources"]]
            assert names == ["system_logs", "log_anomaly_thresholds", "prices", "weather"]
            one = (await client.call("GET", "/v0/datasources/prices")).json()
            assert [column["type"] for column in one["columns"]] == ["String", "Float64"]
            assert (await client.call("GET", "/v0/datasources/absent")).status_code == 404
            for name in ("events", "recent_logs", "a_quarantine", "a b", "1a"):
                assert (await client.append(name, {"a": 1})).status_code == 400, name
            client.token = log_token(log_project, IngestScope.APPEND)
            assert (await client.call("POST", "/v0/datasources?name=prices&mode=replace", content=b"{}")).status_code == 403
            assert (await client.call("POST", "/v0/datasources/prices/truncate")).status_code == 403

    run(scenario)


def test_an_emptied_data_source_shows_only_what_came_later(logs):
    async def scenario():
        async with logs() as client:
            await client.append("system_logs", line())
            await client.append("log_anomaly_thresholds", threshold())
            for name in ("system_logs", "log_anomaly_thresholds"):
                assert (await client.call("POST", f"/v0/datasources/{name}/truncate")).status_code == 204
            assert (await client.pipe("recent_logs"))["rows"] == 0
            assert await client.sql("SELECT count() AS n FROM log_anomaly_thresholds") == [{"n": 0}]
            await asyncio.sleep(0.005)
            await client.append("system_logs", line())
            assert (await client.pipe("recent_logs"))["rows"] == 1

    run(scenario)


def test_the_pipes_describe_themselves(logs):
    async def scenario():
        async with logs() as client:
            pipes = (await client.call("GET", "/v0/pipes")).json()["pipes"]
            assert [pipe["name"] for pipe in pipes] == ["recent_logs", "error_distribution", "log_anomalies"]
            one = (await client.call("GET", "/v0/pipes/log_anomalies")).json()
            assert one == pipes[2] and one["parameters"][0]["name"] == "time_window_minutes"
            assert (await client.call("GET", "/tinybird/v0/pipes")).json()["pipes"] == pipes

    run(scenario)
