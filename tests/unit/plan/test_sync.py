from datetime import UTC, datetime, timedelta

from app.plan.contracts import ObservedEvent, identity_of
from app.plan.sync import PALETTE, KnownEvent, color_for, decide, merged_identities

SEEN = datetime(2026, 3, 18, 8, tzinfo=UTC)
TYPES = {"t1": "web", "t2": "app"}


def test_an_event_is_matched_by_its_source_name_also_after_a_rename():
    known = [KnownEvent("e1", "t1", "Button pressed", "click")]
    decision = decide([("web", "click")], known, TYPES)
    assert decision.matched == {("web", "click"): "e1"}
    assert not decision.to_create
    assert not decision.adopted


def test_a_hand_made_event_of_that_name_is_adopted():
    decision = decide([("web", "click")], [KnownEvent("e1", "t1", "click", None)], TYPES)
    assert decision.matched == {("web", "click"): "e1"}
    assert decision.adopted == {"e1": "click"}


def test_the_same_name_in_another_type_is_another_event():
    decision = decide([("app", "click")], [KnownEvent("e1", "t1", "click", "click")], TYPES)
    assert decision.to_create == [("app", "click", "click")]


def test_a_name_that_a_renamed_event_took_gets_a_number():
    known = [KnownEvent("e1", "t1", "click", "press"), KnownEvent("e2", "t1", "click (2)", "tap")]
    decision = decide([("web", "click")], known, TYPES)
    assert decision.to_create == [("web", "click", "click (3)")]


def test_a_numbered_name_stays_within_the_limit():
    long = "n" * 500
    decision = decide([("web", long)], [KnownEvent("e1", "t1", long, "other")], TYPES)
    assert decision.to_create[0][2] == "n" * 496 + " (2)"


def test_beyond_the_limit_of_one_pass_events_are_counted_and_not_created():
    decision = decide([("web", str(number)) for number in range(5)], [], TYPES, most_creations=3)
    assert [name for _, name, _ in decision.to_create] == ["0", "1", "2"]
    assert decision.not_created == 2


def test_observations_are_merged_by_identity_with_the_largest_first():
    observed = [
        ObservedEvent("web", "rare", 1, SEEN),
        ObservedEvent("web", "a" * 600, 4, SEEN),
        ObservedEvent("web", "a" * 700, 4, SEEN + timedelta(hours=1)),
    ]
    merged = merged_identities(observed)
    assert list(merged) == [("web", "a" * 497 + "..."), ("web", "rare")]
    assert merged[("web", "a" * 497 + "...")].count == 8
    assert merged[("web", "a" * 497 + "...")].last_at == SEEN + timedelta(hours=1)


def test_identity_is_within_limits_and_never_empty():
    assert identity_of("", "") == ("unknown", "unknown")
    assert identity_of("s" * 255, "n" * 500) == ("s" * 255, "n" * 500)
    source, name = identity_of("s" * 256, "n\x00" * 501)
    assert (len(source), len(name)) == (255, 500)
    assert "\x00" not in name


def test_the_colour_depends_on_the_name_only():
    assert color_for("web") == color_for("web")
    assert {color_for(str(number)) for number in range(200)} == set(PALETTE)
