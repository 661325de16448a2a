"""How streams are looked at, per project (contract A.3, A.6)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final

from sqlmodel import Session

from app.anomalies import repository
from app.compression.novelty import LEAST_EFFECT, SIGNIFICANT
from app.identity import service as identity
from app.identity.contracts import IngestPrincipal
from app.kernel.errors import BadRequest
from models.anomalies import StreamSettings


@dataclass(frozen=True, slots=True)
class Tuning:
    """Sizes in events; a window is flagged when at most `p_value` of shuffled ones are as novel and it is `effect` times as novel
    as they are. A larger window finds a smaller share of foreign lines, later."""

    baseline_size: int = 100
    window_size: int = 20
    hop_size: int = 10
    p_value: float = SIGNIFICANT
    effect: float = LEAST_EFFECT


SHIPPED: Final = Tuning()
BOUNDS: Final = {
    "baseline_size": (30, 2000),
    "window_size": (10, 500),
    "hop_size": (1, 500),
    "p_value": (0.001, 0.2),
    "effect": (1.0, 10.0),
}


def tuning_of(session: Session, project_id: str) -> Tuning:
    """The project's, or as shipped."""
    row = repository.settings_of(session, project_id)
    return SHIPPED if row is None else Tuning(row.baseline_size, row.window_size, row.hop_size, row.p_value, row.effect)


def change_tuning(session: Session, caller: IngestPrincipal, changes: Mapping[str, object], now: datetime) -> Tuning:
    """Change what is named; the next look follows. BadRequest for an unknown name, a value out of its bounds, or a hop larger
    than the window, beyond which events would never be looked at."""
    kinds = {one.name: one.type for one in fields(Tuning)}
    unknown = changes.keys() - kinds.keys()
    if unknown:
        raise BadRequest(f"{min(unknown)} is none of {', '.join(kinds)}")
    for name, value in changes.items():
        _check(name, value)
    changed = Tuning(**{**asdict(tuning_of(session, caller.project_id)), **changes})
    if changed.hop_size > changed.window_size:
        raise BadRequest("hop_size is at most window_size")
    row = repository.settings_of(session, caller.project_id) or StreamSettings(project_id=caller.project_id, **asdict(changed))
    for name, value in asdict(changed).items():
        setattr(row, name, value)
    row.updated_at = now
    repository.save(session, row)
    identity.record_key_audit(session, caller, "stream_settings.update", "project", caller.project_id, dict(changes))
    return changed


def _check(name: str, value: object) -> None:
    low, high = BOUNDS[name]
    is_whole = name.endswith("_size")
    is_number = isinstance(value, int if is_whole else int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type, operator]
        raise BadRequest(f"{name} is a {'whole number' if is_whole else 'number'} from {low} to {high}")
