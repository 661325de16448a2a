"""A few buckets of a series as a small picture: its line over the expected range, with the abnormal buckets marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

WIDTH, HEIGHT = 120, 30
_MARGIN = 2.0
_DOT = 1.9

Place = tuple[float, float]


@dataclass(frozen=True)
class SparkShape:
    """Three paths in a box of 120 by 30: the range, the line and the marks. `label` says the same in words."""

    band: str = ""
    line: str = ""
    marks: str = ""
    label: str = ""


def spark_shape(
    values: Sequence[float | None],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    marked: Sequence[bool],
    *,
    label: str,
) -> SparkShape:
    """The picture of buckets in time order; a missing value leaves a hole in the line, a missing limit one in the range."""
    peak = max([0.0, *(value for value in (*values, *highs) if value is not None)]) or 1.0
    pitch = (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)

    def place(index: int, value: float) -> Place:
        return _MARGIN + index * pitch, HEIGHT - _MARGIN - value / peak * (HEIGHT - 2 * _MARGIN)

    line = "".join(_path(run) for run in _runs([None if value is None else place(at, value) for at, value in enumerate(values)]))
    band = ""
    limits = [
        None if low is None or high is None else (place(at, max(0.0, low)), place(at, high))
        for at, (low, high) in enumerate(zip(lows, highs, strict=True))
    ]
    for pairs in _runs(limits):
        band += _path([upper for _, upper in pairs]) + _path([lower for lower, _ in reversed(pairs)], first="L") + "z"
    marks = "".join(
        _dot(place(at, value)) for at, (value, on) in enumerate(zip(values, marked, strict=True)) if on and value is not None
    )
    return SparkShape(band, line, marks, label)


def _runs(items: Sequence[Any]) -> list[list[Any]]:
    """The stretches without a hole."""
    runs: list[list[Any]] = [[]]
    for item in items:
        if item is None:
            runs.append([])
        else:
            runs[-1].append(item)
    return [run for run in runs if run]


def _path(places: Sequence[Place], *, first: str = "M") -> str:
    steps = [f"{x:.1f} {y:.1f}" for x, y in places]
    if first == "M" and len(steps) == 1:
        steps.append(steps[0])  # one bucket alone is a dot, thanks to the round ends of the line
    return first + "L".join(steps)


def _dot(at: Place) -> str:
    x, y = at
    return f"M{x - _DOT:.1f} {y:.1f}a{_DOT} {_DOT} 0 1 0 {2 * _DOT} 0a{_DOT} {_DOT} 0 1 0 {-2 * _DOT} 0z"


def band_spark(shape: Any, direction: Any) -> rx.Component:
    """The picture. `shape` is a Var of SparkShape; marks take the colour of `direction`, spike or drop."""
    return rx.el.svg(
        rx.el.svg.path(d=shape.band, class_name="band-spark-band"),
        rx.el.svg.path(d=shape.line, class_name="band-spark-line"),
        rx.el.svg.path(d=shape.marks, class_name=f"band-spark-mark-{direction}"),
        view_box=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=shape.label,
        class_name="band-spark",
    )
