"""Plans drawn at random, as large as it takes to break a format: every attribute, any text a database keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from app.plan.contracts import EventStatus
from app.plan.snapshot import COMPARED, QUIET, Entity, EntityType, Snapshot
from app.plan.vocabulary import FieldType, MetaFieldType, Sensitivity, VariableType

NASTY = (
    "yes",
    "null",
    "~",
    "1.0",
    "2026-01-01",
    "=1+1",
    "'quoted",
    "'",
    "-",
    "@a",
    "\t=x",
    "a: b",
    "# no remark",
    "{a}",
    "<<",
    "=",
    "a,b",
    "\\,",
)
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.lists(st.sampled_from(["line", " indented", "", "trailing ", "\ttab", "\r"]), max_size=4).map("\n".join),
)
names = texts.filter(str.strip)
orders = st.integers(-3, 2**31 - 1)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
rates = st.floats(0, 1)
moments = st.none() | st.datetimes(datetime(1901, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)
colors = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
tags = st.lists(
    texts.map(lambda text: text.strip().lower().strip()).filter(lambda text: text and text == text.strip().lower()), max_size=3
)


def entity(sort: EntityType, key: tuple[str, ...], **attributes: object) -> Entity:
    empty: dict[str, object] = dict.fromkeys((*COMPARED[sort], *QUIET[sort]))
    return Entity(sort, key, "", {**empty, **attributes})


@st.composite
def plans(draw: st.DrawFn) -> Snapshot:
    """A plan that keeps every rule of the product."""
    found: list[Entity] = []
    metas = draw(st.lists(names, max_size=2, unique=True))
    for name in metas:
        kind = draw(st.sampled_from(MetaFieldType))
        found.append(
            entity(
                EntityType.META_FIELD, (name,), display_name=draw(names), field_type=kind.value, is_required=draw(st.booleans()),
                enum_options=draw(st.lists(names, min_size=1, max_size=2)) if kind == "enum" else None,
                default_value=draw(st.none() | texts), order=draw(orders), sensitivity=draw(st.sampled_from(Sensitivity)).value,
                link_template=draw(st.sampled_from([None, "https://x.example/${value}"])),
            )
        )  # fmt: skip
    for name in draw(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), max_size=2, unique=True)):
        found.append(
            entity(
                EntityType.VARIABLE, (name,), variable_type=draw(st.sampled_from(VariableType)).value,
                source_name=draw(st.none() | texts), description=draw(texts),
            )
        )  # fmt: skip
    for event_type in draw(st.lists(names, max_size=2, unique=True)):
        found += draw(event_types(event_type, metas))
    fields = [one.key for one in found if one.type is EntityType.FIELD]
    if fields:
        for ends in draw(st.lists(st.tuples(st.sampled_from(fields), st.sampled_from(fields)), max_size=2, unique=True)):
            relation = entity(EntityType.RELATION, (*ends[0], *ends[1]), relation_type="belongs_to", description=draw(texts))
            found.append(relation)
    return Snapshot.of(found)


@st.composite
def event_types(draw: st.DrawFn, name: str, metas: list[str]) -> list[Entity]:
    """An event type with what hangs on it."""
    own = {"display_name": draw(names), "description": draw(texts), "color": draw(colors), "order": draw(orders)}
    found = [entity(EntityType.EVENT_TYPE, (name,), **own)]
    fields = draw(st.lists(names, max_size=2, unique=True))
    for field in fields:
        kind = draw(st.sampled_from(FieldType))
        low, high = sorted([draw(st.floats(-1e9, 1e9)), draw(st.floats(-1e9, 1e9))])
        found.append(
            entity(
                EntityType.FIELD, (name, field), display_name=draw(names), field_type=kind.value, is_required=draw(st.booleans()),
                enum_options=draw(st.lists(names, min_size=1, max_size=2)) if kind == "enum" else None, description=draw(texts),
                order=draw(orders), sensitivity=draw(st.sampled_from(Sensitivity)).value, contract_min_value=low,
                contract_max_value=high, contract_required_max_null_rate=draw(st.none() | rates), contract_max_bad_rate=draw(rates),
                contract_regex=draw(st.sampled_from([None, r"^[A-Z]{3}$", r"\d+: \w"])),
            )
        )  # fmt: skip
    for event in draw(st.lists(names, max_size=3, unique=True)):
        found.append(
            entity(
                EntityType.EVENT, (name, event), event_type_name=name, description=draw(texts), order=draw(orders),
                status=draw(st.sampled_from(EventStatus)).value, sunset_at=draw(moments), reviewed=draw(st.booleans()),
                source_name=draw(st.sampled_from([None, event])), tags=sorted(set(draw(tags))), metric_breakdown_columns=["a"],
                field_values={key: draw(texts) for key in sorted(fields) if draw(st.booleans())},
                meta_values={key: draw(texts) for key in sorted(metas) if draw(st.booleans())},
            )
        )  # fmt: skip
    return found
