"""Values under a sensitivity label do not reach a log row, wherever in it they stand."""

from __future__ import annotations

import asyncio
import json

from app.ingest.labels import Treatment
from app.ingest.validation import Policy, compile_checks
from app.plan.contracts import FieldRules
from tests.api.logs.conftest import line

CHECKS = compile_checks(
    {"shop": [FieldRules("email", "string", False, sensitivity="pii"), FieldRules("iban", "string", False, sensitivity="secret")]},
    Policy(sensitivity={"pii": Treatment.MASK, "secret": Treatment.DROP}),
    b"key",
)


def test_labelled_values_are_treated_in_columns_metadata_and_quarantine(logs, event_store, log_project):
    async def scenario():
        async with logs(checks=CHECKS) as client:
            metadata = json.dumps({"email": "ana@example.org", "order": 5, "payment": {"iban": "DE99"}})
            late = {**line(), "timestamp": "never", "email": "ana@example.org"}
            sent = [line(metadata=metadata), late, '{"email": "ana@example.org"']
            answer = await client.append("system_logs", *sent)
            assert answer.json() == {"successful_rows": 1, "quarantined_rows": 2}
            made = await client.call(
                "POST", "/v0/datasources?name=people&format=ndjson", content='{"email": "ana@example.org", "age": 5}'
            )
            assert made.status_code == 200, made.text
            assert (await client.sql("SELECT email, age FROM people"))[0] == {"email": "[masked]", "age": 5}
            (row,) = await client.sql("SELECT metadata FROM system_logs")
            assert json.loads(row["metadata"]) == {"email": "[masked]", "order": 5, "payment": {}}

    asyncio.run(scenario())
    from app.kernel.database import session_scope
    from models.projects import Project

    with session_scope() as session:
        tenant_id = session.get_one(Project, log_project).tenant_id
    stored = repr(event_store.recent(tenant_id, log_project, after=None, limit=100))
    assert "masked" in stored
    assert "ana@" not in stored
    assert "DE99" not in stored


def test_without_labels_rows_are_stored_as_they_came(logs):
    async def scenario():
        async with logs() as client:
            await client.append("system_logs", line(metadata='{"email": "ana@example.org"}'))
            (row,) = await client.sql("SELECT metadata FROM system_logs")
            assert row["metadata"] == '{"email": "ana@example.org"}'

    asyncio.run(scenario())


def test_a_text_that_is_json_is_treated_whatever_it_begins_with(logs):
    async def scenario():
        async with logs(checks=CHECKS) as client:
            for text in (' {"email": "ana@example.org"}', '[{"email": "ana@example.org"}]'):
                await client.append("system_logs", line(metadata=text))
            rows = await client.sql("SELECT metadata FROM system_logs")
            assert len(rows) == 2 and "ana@" not in repr(rows)

    asyncio.run(scenario())
