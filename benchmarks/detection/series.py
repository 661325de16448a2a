"""Labelled series: read from the development folder, or generated from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAY_SECONDS = 86_400
WEEK_SECONDS = 604_800
ANOMALOUS_SHARE = 0.2


@dataclass(frozen=True)
class LabelledSeries:
    """`share` is the part of a bucket's raw points that people (or the generator) call anomalous; values are NaN where missing."""

    name: str
    interval_seconds: int
    timestamps: NDArray[np.int64]
    values: Floats
    share: Floats
    is_count: bool = False

    @property
    def weeks(self) -> float:
        return len(self.values) * self.interval_seconds / WEEK_SECONDS

    @property
    def buckets_per_day(self) -> int:
        return max(1, DAY_SECONDS // self.interval_seconds)


def read_development(folder: Path, prefix: str) -> list[LabelledSeries]:
    """The development series whose name starts with the prefix (`kpi-` or `ms-`)."""
    known = {row["series"]: row for row in pl.read_csv(folder / "dev_series.csv").iter_rows(named=True)}
    frame = pl.read_parquet(folder / "dev.parquet").filter(pl.col("series").str.starts_with(prefix))
    found = []
    for (name,), group in frame.group_by(["series"], maintain_order=True):
        values = group["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
        found.append(
            LabelledSeries(
                name=str(name),
                interval_seconds=int(known[name]["interval"]),
                timestamps=group["ts"].to_numpy().astype(np.int64),
                values=values,
                share=group["frac"].cast(pl.Float64).to_numpy().copy(),
                is_count=known[name]["kind"] == "count",
            )
        )
    return found


def as_hourly(series: LabelledSeries) -> LabelledSeries:
    """Means over the hour; the hour is missing when all of its buckets are."""
    hour = series.timestamps // 3600
    slot = hour - hour[0]
    size = int(slot[-1]) + 1
    known = np.isfinite(series.values)
    count = np.bincount(slot[known], minlength=size)
    total = np.bincount(slot[known], series.values[known], minlength=size)
    buckets = np.bincount(slot, minlength=size)
    share = np.bincount(slot, series.share, minlength=size) / np.maximum(buckets, 1)
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return LabelledSeries(
        name=series.name,
        interval_seconds=3600,
        timestamps=(hour[0] + np.arange(size)) * 3600,
        values=values,
        share=share,
    )
