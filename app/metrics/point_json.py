"""Answers with many points as JSON: a year of hours by twelve values is a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from fastapi import Response
from pydantic import BaseModel

from app.metrics.points import Points
from models.detection import Anomaly

_NO_ANOMALY = ',"expected_count":null,"stddev":null,"is_anomaly":false,"anomaly_direction":null,"z_score":null}'
# "2026-11-25T00:00:00+00:00" up to its offset: buckets are in UTC.
_OFFSET = len("+00:00")


def answer(shape: type[BaseModel], **fields: Any) -> Response:
    """An answer of this shape from our own values, which need no validation."""
    return _json(_checked(shape, fields))


def answers(shape: type[BaseModel], items: Iterable[Mapping[str, Any]]) -> Response:
    """A list of such."""
    return _json([_checked(shape, fields) for fields in items])


def point_lists(series: Iterable[Points]) -> list[msgspec.Raw]:
    """The fields of EventMetricPoint of each point of each series."""
    heads = _Heads()
    return [_point_list(heads.of(points.buckets), points) for points in series]


def point_list(points: Points) -> msgspec.Raw:
    """The same for one series."""
    return _point_list(_Heads().of(points.buckets), points)


def plain_points(points: Points) -> msgspec.Raw:
    """The fields of BreakdownTimelinePoint of each point."""
    heads = _Heads().of(points.buckets)
    return _raw([f"{head}{count}}}" for head, count in zip(heads, points.counts, strict=True)])


class _Heads:
    """What the JSON of a point begins with; series of one chart share it as they share their buckets."""

    def __init__(self) -> None:
        self._buckets: Sequence[datetime] | None = None
        self._heads: list[str] = []

    def of(self, buckets: Sequence[datetime]) -> list[str]:
        if buckets is not self._buckets:
            self._buckets = buckets
            self._heads = [f'{{"bucket":"{bucket.isoformat()[:-_OFFSET]}Z","count":' for bucket in buckets]
        return self._heads


def _point_list(heads: list[str], points: Points) -> msgspec.Raw:
    texts = [f"{head}{count}{_NO_ANOMALY}" for head, count in zip(heads, points.counts, strict=True)]
    if points.anomalies:
        for position, bucket in enumerate(points.buckets):
            anomaly = points.anomalies.get(bucket)
            if anomaly is not None:
                texts[position] = f"{heads[position]}{points.counts[position]},{_judged(anomaly)}"
    return _raw(texts)


def _judged(anomaly: Anomaly) -> str:
    fields = {
        "expected_count": anomaly.expected_count, "stddev": anomaly.stddev, "is_anomaly": True,
        "anomaly_direction": anomaly.direction, "z_score": anomaly.z_score,
    }  # fmt: skip
    return msgspec.json.encode(fields).decode()[1:]


def _raw(texts: Iterable[str]) -> msgspec.Raw:
    return msgspec.Raw(f"[{','.join(texts)}]".encode())


def _checked(shape: type[BaseModel], fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if fields.keys() != shape.model_fields.keys():
        raise TypeError(f"{shape.__name__} has the fields {', '.join(shape.model_fields)}")
    return fields


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content, enc_hook=_fields_of), media_type="application/json")


def _fields_of(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is no part of an answer")
