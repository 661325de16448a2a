"""Which document comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.assistant.index import SearchIndex
from app.assistant.postings import Document

LABELLED = Path(__file__).with_name("labelled_queries.txt").read_text().split("\n--\n")
EVENTS = dict(line.split("|", 1) for line in LABELLED[0].strip().splitlines())
EXACT, MISSPELT = ([tuple(line.split("|")) for line in part.strip().splitlines()] for part in LABELLED[1:3])


def document(number, title, description="", **more):
    given = {"entity_type": "event", "keywords": "", "parent_id": None, "body": "", "is_archived": False, **more}
    return Document(id=number, entity_id=str(number), title=title, description=description, **given)


def filled(*documents):
    index = SearchIndex()
    index.add(documents)
    return index


@pytest.fixture(scope="module")
def shop():
    return filled(*(document(number, name, text) for number, (name, text) in enumerate(EVENTS.items(), start=1)))


@pytest.mark.parametrize(("query", "expected"), EXACT + MISSPELT)
def test_the_labelled_event_comes_first(shop, query, expected):
    assert [hit.document.title for hit in shop.search(query)][:1] == [expected]


def test_exact_beats_word_beats_prefix_beats_part_beats_misspelling():
    names = ["ordre list", "reordered", "ordering", "order list", "order"]
    hits = filled(*(document(number, name) for number, name in enumerate(names))).search("order")
    assert [hit.document.title for hit in hits] == names[::-1] and hits[0].confidence == 1.0


def test_events_come_with_the_type_that_is_named():
    kind = document(1, "Payments", entity_type="event_type")
    index = filled(kind, document(2, "refund", parent_id="1"), document(3, "login"))
    assert [hit.document.title for hit in index.search("payments")] == ["Payments", "refund"]


def test_every_word_must_be_there_and_some_do_when_nothing_has_all():
    index = filled(document(1, "card declined"), document(2, "card added"))
    assert [hit.document.title for hit in index.search("card declined")] == ["card declined"]
    assert {hit.document.title for hit in index.search("card xylophone")} == {"card declined", "card added"}


def test_a_document_that_comes_again_replaces_the_earlier_one():
    index = filled(document(1, "order paid"))
    changed = document(5, "order sent")
    index.add([Document(**{**{name: getattr(changed, name) for name in Document.__dataclass_fields__}, "entity_id": "1"})])
    assert len(index) == 1 and (index.newest_id, index.id_sum) == (5, 5)
    assert index.search("paid") == [] and index.search("sent")[0].document.title == "order sent"


@pytest.mark.parametrize("query", ["", "  ", "__", "!?"])
def test_a_query_of_no_words_finds_nothing(shop, query):
    assert shop.search(query) == []


def test_only_the_first_are_taken_and_all_are_counted(shop):
    every = shop.search("the")
    hits, total = shop.best("the", limit=3)
    assert (hits, total) == (every[:3], len(every)) and total > 3


def test_the_highest_hit_is_among_the_first_whatever_the_bound():
    index = filled(*(document(number, f"order {number}") for number in range(200)), document(900, "order"))
    hits, total = index.best("order", limit=1)
    assert ([hit.document.title for hit in hits], total) == (["order"], 201)


def test_what_is_near_in_meaning_is_found_without_a_common_word():
    index = filled(document(1, "refund issued"), document(2, "page viewed"))
    [hit], total = index.best("money back", nearness={"1": 0.6})
    assert (hit.document.title, hit.score, hit.matched, total) == ("refund issued", 1.5, (), 1)


def test_meaning_beats_some_of_the_words_and_not_all_of_them():
    index = filled(document(1, "payment failed"), document(2, "card added"), document(3, "card rejected by bank"))
    near = {"1": 0.5}
    assert index.best("credit card", nearness=near)[0][0].document.title == "payment failed"
    assert index.best("card rejected", nearness=near)[0][0].document.title == "card rejected by bank"


def test_a_place_of_a_document_that_went_is_used_again():
    index = filled(document(1, "order paid", parent_id="9"), document(2, "order sent"))
    changed = document(3, "cart opened")
    index.add([Document(**{**{name: getattr(changed, name) for name in Document.__dataclass_fields__}, "entity_id": "1"})])
    assert [hit.document.title for hit in index.search("order")] == ["order sent"]
    assert [hit.document.title for hit in index.search("cart")] == ["cart opened"]
    assert [found.title for found in index.documents()] == ["cart opened", "order sent"]
