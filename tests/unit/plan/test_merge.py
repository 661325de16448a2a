from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.errors import Conflict
from app.plan.diff import DiffKind, apply_diff, diff, summary
from app.plan.merge import Choice, apply_merge, merge
from app.plan.review import TRANSITIONS, BranchAction, BranchStatus, transition
from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Snapshot

WORDS = ("a", "b", "c")


def entity(sort: EntityType, *key: str, side: str = "main", origin: str | None = None, **attributes: object) -> Entity:
    empty: dict[str, object] = dict.fromkeys((*COMPARED[sort], *QUIET[sort]))
    return Entity(sort, key, f"{side}:{sort}:{'/'.join(key)}", {**empty, **attributes}, origin)


def screen(side: str = "main", **attributes: object) -> Entity:
    return entity(EntityType.EVENT_TYPE, "screen", side=side, **attributes)


def event(name: str, side: str = "main", origin: str | None = None, **attributes: object) -> Entity:
    return entity(EntityType.EVENT, "screen", name, side=side, origin=origin, **attributes)


def content(snapshot: Snapshot) -> dict[tuple[EntityType, tuple[str, ...]], tuple[object, ...]]:
    return {key: found.compared() for key, found in snapshot.by_key.items()}


@st.composite
def plans(draw: st.DrawFn, side: str = "main") -> Snapshot:
    entities = []
    for type_name in draw(st.sets(st.sampled_from(WORDS))):
        entities.append(
            entity(EntityType.EVENT_TYPE, type_name, side=side, color=draw(st.sampled_from(WORDS)), order=draw(st.integers(0, 2)))
        )
        for name in draw(st.sets(st.sampled_from(WORDS))):
            entities.append(
                entity(
                    EntityType.EVENT,
                    type_name,
                    name,
                    side=side,
                    description=draw(st.sampled_from(WORDS)),
                    status=draw(st.sampled_from(["draft", "live"])),
                    order=draw(st.integers(0, 2)),
                )
            )
    for name in draw(st.sets(st.sampled_from(WORDS))):
        entities.append(entity(EntityType.VARIABLE, name, side=side, variable_type=draw(st.sampled_from(["string", "number"]))))
    return Snapshot.of(entities)


@given(plans(), plans())
def test_merging_nothing_changes_nothing(base: Snapshot, ours: Snapshot) -> None:
    outcome = merge(base, ours, base)
    assert not outcome.conflicts
    assert not outcome.field_conflicts
    assert content(apply_merge(ours, outcome)) == content(ours)
    assert (outcome.creates, outcome.updates, outcome.deletes) == ((), (), ())


@given(plans(), plans("branch"))
def test_when_main_stood_still_the_branch_wins_whole(base: Snapshot, theirs: Snapshot) -> None:
    outcome = merge(base, base, theirs)
    assert not outcome.conflicts
    assert not outcome.unresolved
    assert content(apply_merge(base, outcome)) == content(theirs)


@given(plans(), plans("branch"))
def test_a_diff_applied_to_the_base_gives_the_branch(base: Snapshot, branch: Snapshot) -> None:
    assert content(apply_diff(base, diff(base, branch))) == content(branch)
    assert diff(branch, branch) == []


@settings(max_examples=200)
@given(plans(), plans("one"), plans("two"))
def test_independent_edits_commute(base: Snapshot, one: Snapshot, two: Snapshot) -> None:
    first, second = merge(base, one, two), merge(base, two, one)
    assert bool(first.conflicts) == bool(second.conflicts)
    if first.conflicts or first.field_conflicts:
        return
    assert content(apply_merge(one, first)) == content(apply_merge(two, second))


@given(plans(), plans("one"), plans("two"))
def test_rows_of_main_keep_their_ids(base: Snapshot, ours: Snapshot, theirs: Snapshot) -> None:
    after = apply_merge(ours, merge(base, ours, theirs))
    for key, found in after.by_key.items():
        if key in ours.by_key:
            assert found.id == ours.by_key[key].id


def test_an_edit_on_main_alone_survives_an_untouched_branch() -> None:
    base, main = Snapshot.of([screen(color="red")]), Snapshot.of([screen(color="blue")])
    outcome = merge(base, main, base)
    assert not outcome.field_conflicts
    assert apply_merge(main, outcome).entities[0].attributes["color"] == "blue"


@pytest.mark.parametrize(("choice", "color"), [(Choice.OURS, "blue"), (Choice.THEIRS, "green")])
def test_a_colour_changed_on_both_sides_takes_the_chosen_one(choice: Choice, color: str) -> None:
    base, main, branch = (Snapshot.of([screen(color=value)]) for value in ("red", "blue", "green"))
    open_conflict = merge(base, main, branch)
    assert [(c.attribute, c.base, c.ours, c.theirs) for c in open_conflict.unresolved] == [("color", "red", "blue", "green")]
    settled = merge(base, main, branch, {("screen", "color"): choice})
    assert not settled.unresolved
    assert apply_merge(main, settled).entities[0].attributes["color"] == color


def test_different_attributes_of_one_event_type_merge_without_asking() -> None:
    base = Snapshot.of([screen(color="red", display_name="Screen")])
    main = Snapshot.of([screen(color="blue", display_name="Screen")])
    branch = Snapshot.of([screen(color="red", display_name="Screens")])
    outcome = merge(base, main, branch)
    assert not outcome.field_conflicts
    merged = apply_merge(main, outcome).entities[0].attributes
    assert (merged["color"], merged["display_name"]) == ("blue", "Screens")


def test_an_event_described_differently_on_both_sides_blocks() -> None:
    base, main, branch = (Snapshot.of([screen(), event("open", description=text)]) for text in ("x", "y", "z"))
    outcome = merge(base, main, branch)
    assert [(conflict.type, conflict.name) for conflict in outcome.conflicts] == [(EntityType.EVENT, "open")]


def test_an_event_added_on_main_blocks_the_removal_of_its_type() -> None:
    base = Snapshot.of([screen()])
    main = Snapshot.of([screen(), event("open")])
    outcome = merge(base, main, Snapshot.of([]))
    assert [conflict.name for conflict in outcome.conflicts] == ["open"]
    assert "event type screen" in outcome.conflicts[0].reason


def test_a_renamed_event_keeps_its_row() -> None:
    before = event("open")
    base = main = Snapshot.of([screen(), before])
    branch = Snapshot.of([screen("branch", color=None), event("opened", "branch", origin=before.id)])
    outcome = merge(base, main, branch)
    assert (outcome.creates, outcome.deletes) == ((), ())
    assert [(update.id, update.entity.name) for update in outcome.updates] == [(before.id, "opened")]


def test_a_new_order_on_the_branch_is_carried_and_shows_in_no_diff() -> None:
    base = Snapshot.of([screen(), event("open", order=1)])
    branch = Snapshot.of([screen(), event("open", order=5)])
    assert diff(base, branch) == []
    after = apply_merge(base, merge(base, base, branch))
    assert after.get(EntityType.EVENT, ("screen", "open")).attributes["order"] == 5


def test_a_diff_reads_as_the_contract_says() -> None:
    old = Snapshot.of([screen(), event("open", status="draft")])
    new = Snapshot.of([screen(), event("open", status="live"), entity(EntityType.VARIABLE, "plan")])
    entries = diff(old, new)
    assert [(entry.kind, entry.entity.name, entry.entity.parent) for entry in entries] == [
        (DiffKind.CHANGED, "open", "screen"),
        (DiffKind.ADDED, "plan", None),
    ]
    assert [change.text for change in entries[0].changes] == ["status: 'draft' \u2192 'live'"]
    assert summary(entries) == {"added": 1, "removed": 0, "changed": 1}
    relation = Entity(EntityType.RELATION, ("order", "user_id", "user", "id"), "r", {})
    assert relation.name == "order.user_id \u2192 user.id"


@pytest.mark.parametrize("action", BranchAction)
@pytest.mark.parametrize("status", BranchStatus)
def test_a_review_moves_only_along_its_transitions(action: BranchAction, status: BranchStatus) -> None:
    if status in TRANSITIONS[action].allowed_from:
        assert transition(status, action).to is TRANSITIONS[action].to
    else:
        with pytest.raises(Conflict, match=f"{action.value}.*{status.value}"):
            transition(status, action)


def test_entities_do_not_lose_their_origin_when_replaced() -> None:
    assert replace(event("open", origin="x"), id="y").origin_id == "x"
