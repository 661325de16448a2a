"""Where the properties of built-in events depart from what their event type declares (contract 8.1). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from app.plan.contracts import DriftType, ObservedDrift, ScanTarget
from app.warehouse.observed_properties import ObservedProperty

# A warehouse column is there without a value, a property is not: only one that no event carried for so long has vanished.
LEAST_REACH = timedelta(days=1)


def described(targets: Mapping[str, ScanTarget], event_types: Iterable[str]) -> list[str]:
    """Those of the types that declare a field; nothing departs from a type that nobody has described yet."""
    return sorted(name for name in set(event_types) if name in targets and targets[name].fields)


def property_drifts(
    targets: Mapping[str, ScanTarget], event_types: Iterable[str], observed: Iterable[ObservedProperty]
) -> list[ObservedDrift]:
    """Properties without a field, fields without a property, and text where objects are declared or the reverse.

    A list is as good as an object for a JSON field, as it is to the checks at ingest.
    """
    carried: dict[str, dict[str, ObservedProperty]] = defaultdict(dict)
    for one in observed:
        carried[one.event_type][one.name] = one
    found = []
    for event_type in event_types:
        target = targets[event_type]
        declared = {one.name: one.field_type for one in target.fields}
        for name, seen in carried[event_type].items():
            field_type = declared.get(name)
            if field_type is None:
                found.append(ObservedDrift(target.id, name, DriftType.NEW_FIELD, seen.type_name, None, seen.sample or None))
            elif (field_type == "string" and seen.is_object) or (field_type == "json" and not seen.is_structured):
                found.append(
                    ObservedDrift(target.id, name, DriftType.TYPE_CHANGED, seen.type_name, field_type, seen.sample or None)
                )
        for name, field_type in declared.items():
            if name not in carried[event_type]:
                found.append(ObservedDrift(target.id, name, DriftType.MISSING_FIELD, None, field_type, None))
    return found
