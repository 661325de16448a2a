"""Two seasonal profiles, by slot of the day and slot of the week: exponentially weighted means of cleaned values.

(Daily buckets use the week and four weeks instead, weekly buckets a single slot.) The slot comes from the timestamp, so a series
that starts late or has holes keeps its phase. Each read is smoothed over an hour of neighbours, half of the weight on the slot.
"""

from __future__ import annotations

from app.detection.engine.adaptive.layout import DAY_ERROR, LEVEL, SEEN, SLOW_SHIFT, WEEK_ERROR, Floats, Layout
from app.detection.engine.adaptive.tuning import Tuning
from app.detection.engine.compiled import compiled


@compiled
def _smoothed(
    state: Floats, offset: int, slots: int, slot: int, smoothing: int, first_slot: int, seen: int, fallback: float
) -> float:
    """The profile around a slot; slots that were never visited are left out, and the fallback is returned when none was."""
    total, weight_sum = 0.0, 0.0
    neighbour_weight = 0.5 / smoothing if smoothing > 0 else 0.0
    for step in range(-smoothing, smoothing + 1):
        place = slot + step
        if place < 0:
            place += slots
        elif place >= slots:
            place -= slots
        if seen < slots and (place - first_slot) % slots >= seen:
            continue
        weight = 1.0 if step == 0 else neighbour_weight
        total += weight * state[offset + place]
        weight_sum += weight
    return total / weight_sum if weight_sum > 0.0 else fallback


@compiled
def read_profiles(state: Floats, layout: Layout, bucket: int, ahead: int) -> tuple[float, float]:
    """Smoothed day and week profile for a bucket, `ahead` buckets behind the next one; the level where nothing is known yet."""
    seen, first_bucket = int(state[SEEN]), bucket - ahead - int(state[SEEN])
    slots, smoothing, level = layout.day_slots, layout.smoothing, state[LEVEL]
    day = _smoothed(state, layout.day_profile, slots, bucket % slots, smoothing, first_bucket % slots, seen, level)
    slots = layout.week_slots
    week = _smoothed(state, layout.week_profile, slots, bucket % slots, smoothing, first_bucket % slots, seen, day)
    return day, week


@compiled
def blend_profiles(state: Floats, layout: Layout, day: float, week: float) -> float:
    """Both profiles weighted by the inverse of their recent squared error; the day alone in the first week."""
    if state[SEEN] < layout.week_slots:
        return day
    day_error, week_error = state[DAY_ERROR], state[WEEK_ERROR]
    total = day_error + week_error
    return (day_error * week + week_error * day) / total if total > 0.0 else 0.5 * (day + week)


@compiled
def _learn_slot(state: Floats, cell: int, count: int, rate: float, value: float) -> None:
    if count == 0:
        state[cell] = value
    else:
        state[cell] += max(1.0 / (count + 1.0), rate) * (value - state[cell])


@compiled
def learn_profiles(
    state: Floats, layout: Layout, tuning: Tuning, day_slot: int, week_slot: int, cleaned: float, is_missing: bool
) -> None:
    """Teach both profiles and the level a cleaned value. A missing bucket only fills slots that were never visited."""
    seen = int(state[SEEN])
    day_count, week_count = seen // layout.day_slots, seen // layout.week_slots
    if not is_missing or day_count == 0:
        _learn_slot(state, layout.day_profile + day_slot, day_count, tuning.day_rate, cleaned)
    if not is_missing or week_count == 0:
        _learn_slot(state, layout.week_profile + week_slot, week_count, tuning.week_rate, cleaned)
    if not is_missing:
        rate = 1.0 / (seen + 1.0) if seen < layout.week_slots else 1.0 / layout.week_slots
        state[LEVEL] += rate * (cleaned - state[LEVEL])


@compiled
def learn_profile_errors(
    state: Floats, layout: Layout, tuning: Tuning, value: float, day: float, week: float, spread: float
) -> None:
    """Track the squared error of each profile, capped at six spreads so that an incident does not decide the blend."""
    rate = 1.0 / (tuning.error_days * layout.day_buckets)
    if state[SEEN] > layout.day_slots:
        error = min(abs(value - state[SLOW_SHIFT] - day), 6.0 * spread)
        state[DAY_ERROR] += rate * (error * error - state[DAY_ERROR])
    if state[SEEN] > layout.week_slots:
        error = min(abs(value - state[SLOW_SHIFT] - week), 6.0 * spread)
        state[WEEK_ERROR] += rate * (error * error - state[WEEK_ERROR])
