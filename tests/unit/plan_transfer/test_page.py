"""What the page makes of the answers that the browser hands on."""

from __future__ import annotations

import json

import pytest

from app.kernel.ids import new_id
from app.plan.pages.transfer import TransferState
from app.plan.shapes.transfer import import_report
from app.plan.snapshot import Snapshot
from app.plan.transfer.preview import preview
from app.plan.transfer.service import read_file


class Page:
    """The state without the machinery around it."""

    receive = TransferState.receive.fn
    _show, _forget = TransferState._show, TransferState._forget

    def __init__(self) -> None:
        self._forget()

    def _slug(self) -> str:
        return "shop"


def answer(text: str, *, is_preview: bool = True, limit: int = 200, **more: object) -> str:
    report = import_report(preview(read_file(text.encode(), "plan.json"), Snapshot(())), limit)
    body = report.model_dump(mode="json") | more
    return json.dumps({"at": 1, "is_preview": is_preview, "filename": "plan.json", "status": 200, "body": body})


@pytest.fixture
def page() -> Page:
    return Page()


def test_a_preview_without_faults_offers_the_import(page: Page) -> None:
    page.receive(answer('{"event_types": [{"name": "shop", "events": [{"name": "paid"}]}]}', limit=1))
    assert (page.can_import, page.refusal, page.summary, page.omitted) == (True, "", "2 created", "1 row more not shown")
    assert [(line.name, line.sort, line.status) for line in page.lines] == [("shop", "Event type", "Created")]
    assert page.branch_name == "Import plan.json"


def test_a_preview_with_faults_says_where_and_offers_nothing(page: Page) -> None:
    page.receive(answer('{"variables": [{"name": "BAD"}, {"name": "good"}], "other": []}'))
    assert (page.can_import, page.summary) == (False, "2 errors, 1 created")
    assert page.refusal == "Nothing can be imported before 2 errors in the file are corrected"
    assert {(line.name, line.place) for line in page.lines if line.status == "Error"} == {
        ("BAD", "plan.json, variables[0], name"),
        ("plan.json", "other"),
    }


def test_a_file_that_says_nothing_cannot_be_imported(page: Page) -> None:
    page.receive(answer("{}"))
    assert (page.can_import, page.summary, page.refusal) == (
        False,
        "The file holds nothing",
        "Nothing in the file differs from main",
    )


def test_a_refused_import_keeps_the_preview(page: Page) -> None:
    page.receive(answer('{"variables": [{"name": "good"}]}'))
    refused = {"at": 2, "is_preview": False, "filename": "plan.json", "status": 409, "body": {"detail": "A branch named X exists"}}
    page.receive(json.dumps(refused))
    assert (page.refusal, len(page.lines), page.can_import) == ("A branch named X exists", 1, True)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"detail": "A file has at most 10485760 bytes"}, "A file has at most 10485760 bytes"),
        ({"detail": [{"loc": ["body"], "msg": "Send the plan"}]}, "Send the plan"),
        ({"detail": {"a": 1}}, "The file could not be imported"),
        ({}, "The file could not be imported"),
    ],
)
def test_a_refused_file_is_told_in_a_sentence(page: Page, body: object, refusal: str) -> None:
    page.receive(json.dumps({"is_preview": True, "filename": "x", "status": 413, "body": body}))
    assert (page.refusal, page.summary) == (refusal, "")


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"body": []}'])
def test_nonsense_is_shown_as_such_and_breaks_nothing(page: Page, text: str) -> None:
    assert page.receive(text) is None
    assert page.lines == []


def test_an_import_leads_on_to_its_branch(page: Page) -> None:
    branch = {
        "id": new_id(), "project_id": new_id(), "name": "Copy", "kind": "working", "status": "draft", "description": "",
        "base_revision_id": None, "created_by": None, "merged_at": None, "merged_by": None,
        "created_at": "2026-11-25T09:30:00Z", "updated_at": "2026-11-25T09:30:00Z",
    }  # fmt: skip
    events = page.receive(answer("{}", is_preview=False, branch=branch))
    assert f"/p/shop/branches/{branch['id']}" in str(events[0].args)
