"""Matching many candidates against many rules at once; agrees with `rules.first_mismatch` candidate by candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.alerting.contracts import Candidate, RuleFilter, RuleSpec
from app.alerting.rules import includes_direction, includes_scope
from app.alerting.vocabulary import DIRECTION_LABELS, SERIES_SCOPES, AlertDirection, AlertScope, FilterField, FilterOperator

_SCOPES = tuple(AlertScope)
_ABSENT = -1


class CandidateTable:
    """Candidates in columns, read by every rule."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates
        places = {scope: index for index, scope in enumerate(_SCOPES)}
        self._scope = np.array([places[one.scope_type] for one in candidates], dtype=np.int8)
        self._is_spike = np.array([one.direction is AlertDirection.SPIKE for one in candidates], dtype=bool)
        actual = np.array([one.actual for one in candidates], dtype=np.float64)
        self._expected = np.array([one.expected for one in candidates], dtype=np.float64)
        self._delta = np.abs(actual - self._expected)
        self._has_expected = self._expected > 0
        self._percent = np.zeros(len(candidates))
        np.divide(self._delta, self._expected, out=self._percent, where=self._has_expected)
        self._percent *= 100
        self._has_counts = np.isin(self._scope, [places[scope] for scope in SERIES_SCOPES])
        self._codes: dict[FilterField, tuple[dict[str, int], npt.NDArray[np.int64]]] = {
            FilterField.EVENT_TYPE: _coded([one.event_type_id for one in candidates]),
            FilterField.EVENT: _coded([one.event_id for one in candidates]),
            FilterField.DIRECTION: _coded([DIRECTION_LABELS[one.direction] for one in candidates]),
        }

    def matching(self, rule: RuleSpec) -> list[Candidate]:
        """Candidates that the rule is about, in the table's order."""
        if not self.candidates:
            return []
        wanted_scopes = np.array([includes_scope(rule, scope) for scope in _SCOPES])
        kept = wanted_scopes[self._scope]
        kept &= np.where(
            self._is_spike, includes_direction(rule, AlertDirection.SPIKE), includes_direction(rule, AlertDirection.DROP)
        )
        is_enough = self._expected >= rule.min_expected_count
        is_enough &= self._delta >= rule.min_absolute_delta
        is_enough &= np.where(self._has_expected, self._percent >= rule.min_percent_delta, self._delta > 0)
        kept &= is_enough | ~self._has_counts
        for one in rule.filters:
            kept &= self._passing(one)
        return [self.candidates[index] for index in np.flatnonzero(kept).tolist()]

    def _passing(self, one: RuleFilter) -> npt.NDArray[np.bool_]:
        known, codes = self._codes[one.field]
        wanted = [known[value] for value in one.values if value in known]
        is_listed = np.isin(codes, wanted)
        holds = is_listed if one.operator in (FilterOperator.EQ, FilterOperator.IN) else ~is_listed
        passing: npt.NDArray[np.bool_] = holds | (codes == _ABSENT)
        return passing


def _coded(values: Sequence[str | None]) -> tuple[dict[str, int], npt.NDArray[np.int64]]:
    known: dict[str, int] = {}
    codes = [_ABSENT if value is None else known.setdefault(value, len(known)) for value in values]
    return known, np.array(codes, dtype=np.int64)
