"""The quality table in one run: `python -m benchmarks.detection.quality --data PATH`.

Without the development folder only the generated series are measured.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

from benchmarks.detection import adaptive, peers
from benchmarks.detection.forecast_error import measure
from benchmarks.detection.scoring import tally
from benchmarks.detection.series import Floats, LabelledSeries, as_hourly, read_development
from benchmarks.detection.synthetic import generate, generate_launches

DEFAULT_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "detection"
THRESHOLD = 3.0
HINDSIGHT_THRESHOLDS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
GOALS = "kpi15 F1 >= 0.60 at <= 0.6 alarms/wk; kpi1h >= 0.36; ms >= 0.60; synth >= 0.72; clean <= 0.05 alarms/wk"

Sets = dict[str, list[LabelledSeries]]


def load(folder: Path, seed: int) -> Sets:
    sets: Sets = {}
    if (folder / "dev.parquet").exists():
        kpi = read_development(folder, "kpi-")
        sets |= {"kpi15": kpi, "kpi1h": [as_hourly(series) for series in kpi], "ms": read_development(folder, "ms-")}
    else:
        print(f"No development series in {folder}: generated series only.")
    return sets | {
        "synth": generate(seed, with_events=True),
        "clean": generate(seed + 1, with_events=False),
        "launch": generate_launches(seed + 2),
    }


def detectors(names: list[str] | None) -> dict[str, peers.Detector]:
    known: dict[str, peers.Detector] = {
        "adaptive": adaptive.score,
        "rolling 24 buckets": peers.rolling_24,
        "rolling 1 day": peers.rolling_day,
        "hour of week, median/MAD": peers.hour_of_week,
        "PyOD HBOS, context": peers.hbos,
        "PyOD ECOD, context": peers.ecod,
    }
    if peers.stl_available():
        known["STL residual"] = peers.stl
    else:
        print("STL residual: skipped, statsmodels is not installed.")
    return {name: known[name] for name in names} if names else known


def _cells(name: str, pairs: list[tuple[LabelledSeries, Floats]]) -> str:
    strict = tally(pairs, THRESHOLD)
    if name in {"clean", "launch"}:
        widths = sorted(strict.weeks_by_interval)
        per_width = "  ".join(f"{width // 60}m {strict.false_per_week_at(width):.3f}" for width in widths)
        return f"{strict.false_per_week:24.3f}   {per_width}"
    late = tally(pairs, THRESHOLD, late_buckets=1)
    best = max((tally(pairs, threshold) for threshold in HINDSIGHT_THRESHOLDS), key=lambda result: result.f1)
    ratios = f"{strict.f1:.3f} ({strict.precision:.2f}/{strict.recall:.2f}) {strict.false_per_week:5.2f}"
    return f"{ratios} | {late.f1:.3f} {late.false_per_week:5.2f} | {best.f1:.3f} {best.false_per_week:5.2f}"


def print_table(sets: Sets, chosen: dict[str, peers.Detector]) -> None:
    print(f"Threshold {THRESHOLD} sigma per series-day. F1 (precision/recall), false alarms per series-week |")
    print("the same when an alarm may be one bucket late | at the best threshold for this detector and set, in hindsight")
    for detector_name, detector in chosen.items():
        print(f"\n{detector_name}", flush=True)
        for set_name, group in sets.items():
            started = time.process_time()
            pairs = [(series, detector(series)) for series in group]
            spent = time.process_time() - started
            print(f"  {set_name:7} {_cells(set_name, pairs)}   ({spent:.1f} s)", flush=True)


def print_thresholds(sets: Sets) -> None:
    print("\nadaptive at other thresholds: F1 and false alarms per series-week")
    scored = {name: [(series, adaptive.score(series)) for series in group] for name, group in sets.items()}
    for threshold in (2.0, 2.5, 3.0, 3.5, 4.0):
        cells = []
        for name, pairs in scored.items():
            result = tally(pairs, threshold)
            cells.append(
                f"{name} {result.f1:.3f} {result.false_per_week:.3f}" if name != "clean" else f"clean {result.false_per_week:.3f}"
            )
        print(f"  {threshold:.1f}  " + "   ".join(cells))


def print_forecasts(sets: Sets) -> None:
    plan = (
        ("kpi1h", "kpi1h, 168 h", 3600, 168, 6),
        ("kpi15", "kpi15, 96 buckets", 900, 96, 3),
        ("ms", "ms 1h, 48 h", 3600, 48, 6),
        ("clean", "counts 1h, 168 h", 3600, 168, 3),
        ("clean", "counts 1d, 28 d", 86_400, 28, 3),
    )
    print("\nForecast: MASE (last week repeated: MASE), coverage of the 95 % band")
    for set_name, label, interval, horizon, cuts in plan:
        group = [series for series in sets.get(set_name, []) if series.interval_seconds == interval]
        if group:
            result = measure(group, horizon, cuts)
            figures = f"{result.error:.3f} ({result.naive_error:.3f})  {result.coverage:.3f}"
            print(f"  {label:20} {figures}  {result.forecasts} forecasts", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with dev.parquet and dev_series.csv")
    parser.add_argument("--seed", type=int, default=11, help="of the generated series")
    parser.add_argument("--only", action="append", help="a detector's name; may be given several times")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sets = load(arguments.data, arguments.seed)
    print_table(sets, detectors(arguments.only))
    print_thresholds(sets)
    print_forecasts(sets)
    print(f"\nGoals: {GOALS}")


if __name__ == "__main__":
    main()
