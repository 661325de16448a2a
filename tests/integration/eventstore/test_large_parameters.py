"""Parameters too long for an address arrive as they were sent."""

from __future__ import annotations

import uuid

import pytest

SQL = (
    "SELECT length({{names:Array(String)}}), {{names:Array(String)}}[1], {{text:String}} FROM {database}.events "
    "WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} LIMIT 1"
)


@pytest.mark.parametrize("amount", [1, 500, 5_000])
@pytest.mark.parametrize("text", ["plain", "semi;colon\r\n--boundary\r\n", "ünïcode '\"\\ {x}", ""])
def test_long_lists_and_odd_texts_are_bound_as_they_are(event_store, amount, text):
    project = str(uuid.uuid4())
    line = f'{{"tenant_id":"t","project_id":"{project}","kind":"event","name":"a","time":"2026-01-01T00:00:00.000Z","id":"1"}}'
    event_store.insert_lines("events", line.encode() + b"\n", rows=1, token=str(uuid.uuid4()))
    names = [f"n;ame-{number}'" for number in range(amount)]
    ((length, first, echoed),) = event_store.select(SQL, "t", project, {"names": names, "text": text})
    assert (length, first, echoed) == (amount, names[0], text)
