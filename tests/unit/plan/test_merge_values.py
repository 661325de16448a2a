from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.plan.branching.payload import payload_of, snapshot_from
from app.plan.merge import apply_merge, merge
from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Snapshot

WORDS = ("a", "b")


def entity(sort: EntityType, *key: str, side: str = "main", origin: str | None = None, **attributes: object) -> Entity:
    empty: dict[str, object] = dict.fromkeys((*COMPARED[sort], *QUIET[sort]))
    return Entity(sort, key, f"{side}:{sort}:{'/'.join(key)}", {**empty, **attributes}, origin)


SCREEN = entity(EntityType.EVENT_TYPE, "screen")
STEP, COUPON = (entity(EntityType.FIELD, "screen", name) for name in ("step", "coupon"))


def event(name: str = "open", **attributes: object) -> Entity:
    return entity(EntityType.EVENT, "screen", name, **attributes)


def content(snapshot: Snapshot) -> dict[object, object]:
    return {key: found.compared() for key, found in snapshot.by_key.items()}


@st.composite
def plans(draw: st.DrawFn, side: str = "main") -> Snapshot:
    """Plans whose events have values of the fields and meta fields that exist."""
    metas = draw(st.sets(st.sampled_from(WORDS)))
    entities = [entity(EntityType.META_FIELD, name, side=side, field_type="string") for name in metas]
    for type_name in draw(st.sets(st.sampled_from(WORDS))):
        entities.append(entity(EntityType.EVENT_TYPE, type_name, side=side, order=0))
        fields = draw(st.sets(st.sampled_from(WORDS)))
        entities += [entity(EntityType.FIELD, type_name, name, side=side, field_type="string") for name in fields]
        for name in draw(st.sets(st.sampled_from(WORDS))):
            values = {field: draw(st.sampled_from("12")) for field in sorted(fields) if draw(st.booleans())}
            meta_values = {meta: "1" for meta in sorted(metas) if draw(st.booleans())}
            entities.append(
                entity(
                    EntityType.EVENT,
                    type_name,
                    name,
                    side=side,
                    event_type_name=type_name,
                    field_values=values,
                    meta_values=meta_values,
                    source_name=name,
                )
            )
    return Snapshot.of(entities)


@settings(max_examples=200)
@given(plans(), plans())
def test_merging_nothing_changes_nothing_values_included(base: Snapshot, ours: Snapshot) -> None:
    outcome = merge(base, ours, base)
    assert (outcome.creates, outcome.updates, outcome.deletes, outcome.conflicts) == ((), (), (), ())


@settings(max_examples=200)
@given(plans(), plans("branch"))
def test_when_main_stood_still_the_branch_wins_whole_values_included(base: Snapshot, theirs: Snapshot) -> None:
    outcome = merge(base, base, theirs)
    assert not outcome.conflicts
    assert content(apply_merge(base, outcome)) == content(theirs)


@settings(max_examples=300)
@given(plans(), plans("one"), plans("two"))
def test_no_event_ends_with_a_value_of_a_field_that_is_not_there(base: Snapshot, ours: Snapshot, theirs: Snapshot) -> None:
    outcome = merge(base, ours, theirs)
    if outcome.conflicts or outcome.unresolved:
        return
    after = apply_merge(ours, outcome)
    for found in after.entities:
        if found.type is EntityType.EVENT:
            assert all(after.get(EntityType.FIELD, (found.key[0], name)) for name in found.attributes["field_values"])
            assert all(after.get(EntityType.META_FIELD, (name,)) for name in found.attributes["meta_values"])


@settings(max_examples=200)
@given(plans())
def test_a_payload_gives_back_its_plan(plan: Snapshot) -> None:
    back = snapshot_from(payload_of(plan))
    assert [(found.type, found.key, found.id, dict(found.attributes)) for found in back.entities] == [
        (found.type, found.key, found.id, dict(found.attributes)) for found in plan.entities
    ]


def test_a_field_removed_on_one_side_does_not_clash_with_an_edit_on_the_other() -> None:
    values = {"step": "1", "coupon": "X"}
    base = Snapshot.of([SCREEN, STEP, COUPON, event(field_values=values)])
    without = Snapshot.of([SCREEN, STEP, event(field_values={"step": "1"})])
    edited = Snapshot.of([SCREEN, STEP, COUPON, event(field_values=values, description="New")])
    for ours, theirs in ((without, edited), (edited, without)):
        outcome = merge(base, ours, theirs)
        assert outcome.conflicts == ()
        merged = apply_merge(ours, outcome).get(EntityType.EVENT, ("screen", "open"))
        assert (merged.attributes["description"], merged.attributes["field_values"]) == ("New", {"step": "1"})


def test_a_rename_keeps_what_a_scan_wrote_on_main_meanwhile() -> None:
    before = event(source_name=None, order=1)
    base = Snapshot.of([SCREEN, before])
    main = Snapshot.of([SCREEN, event(source_name="open", order=1)])
    renamed = entity(EntityType.EVENT, "screen", "opened", side="branch", origin=before.id, order=2)
    update = merge(base, main, Snapshot.of([SCREEN, renamed])).updates[0]
    assert (update.id, update.entity.name) == (before.id, "opened")
    assert (update.entity.attributes["source_name"], update.entity.attributes["order"]) == ("open", 2)


def test_two_events_of_one_type_cannot_share_the_name_that_scans_use() -> None:
    base = Snapshot.of([SCREEN])
    ours = Snapshot.of([SCREEN, event("scanned", source_name="x")])
    theirs = Snapshot.of([SCREEN, event("planned", source_name="x")])
    conflicts = merge(base, ours, theirs).conflicts
    assert [(conflict.name, conflict.reason) for conflict in conflicts] == [("planned", "scans know another event as x")]
