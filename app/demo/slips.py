"""What is wrong in some of the shop's records: values the plan does not allow, and a property that nobody planned. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.demo.story import ShopEvent, Timeline

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Slip:
    """Records of the event that break a rule of their plan, a share of them since some days ago; `fault` is what the checks say."""

    event: str
    property: str
    share: float
    days: float
    fault: str
    wrong: Callable[[Any], Any]


SLIPS: Final = (
    Slip("payment_failed", "reason", 0.04, 5, "reason is none of its options", lambda _: "issuer_unavailable"),
    Slip("signed_in", "method", 0.05, 2, "method is none of its options", lambda _: "passkey"),
    Slip("order_placed", "order_id", 0.02, 3, "order_id does not match its pattern", lambda order: order.replace("-", "")),
    Slip("parcel_handed_over", "weight_g", 0.02, 6, "weight_g is below 1", lambda _: 0),
)


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A property that the event carries since some days ago and that its type has no field for."""

    event: str
    name: str
    days: float


UNPLANNED: Final = (Unplanned("item_added_to_basket", "gift_wrap", 2),)


def slipped(
    event: ShopEvent,
    drawn: Mapping[str, Any],
    moments: npt.NDArray[np.int64],
    timeline: Timeline,
    random: np.random.Generator,
) -> tuple[dict[str, Any], Sequence[str]]:
    """The properties with the event's slips, and the fault of each record, empty for a good one."""
    properties, faults = dict(drawn), [""] * moments.size
    for slip in SLIPS:
        if slip.event == event.name:
            rows = np.flatnonzero(_since(moments, timeline, slip.days) & (random.random(moments.size) < slip.share))
            values = list(properties[slip.property])
            for row in rows:
                values[row], faults[row] = slip.wrong(values[row]), slip.fault
            properties[slip.property] = values
    return properties, faults


def carriers(event: ShopEvent, moments: npt.NDArray[np.int64], timeline: Timeline) -> Mapping[str, Rows]:
    """Unplanned properties of the event, each with the records that carry it."""
    return {one.name: _since(moments, timeline, one.days) for one in UNPLANNED if one.event == event.name}


def _since(moments: npt.NDArray[np.int64], timeline: Timeline, days: float) -> Rows:
    start = int((timeline.current_hour - timedelta(days=days)).timestamp() * 1000)
    found: Rows = moments >= start
    return found
