"""Asking many rules about many candidates at once.

Agrees with `rules.first_mismatch` candidate by candidate and with `rules.look` step by step; what all rules need of a candidate
(its columns, its key, the memory of a first sight) is built once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from app.alerting import rules
from app.alerting.contracts import Candidate, RuleFilter, RuleSpec, ScopeKey
from app.alerting.rules import Circumstances, ScopeState, Step, includes_direction, includes_scope
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
        self._is_unexpected = np.array([not one.expected_because for one in candidates], dtype=bool)
        self._has_counts = np.isin(self._scope, [places[scope] for scope in SERIES_SCOPES])
        self._codes: dict[FilterField, tuple[dict[str, int], npt.NDArray[np.int64]]] = {
            FilterField.EVENT_TYPE: _coded([one.event_type_id for one in candidates]),
            FilterField.EVENT: _coded([one.event_id for one in candidates]),
            FilterField.DIRECTION: _coded([DIRECTION_LABELS[one.direction] for one in candidates]),
        }
        self._keys: list[ScopeKey] = [one.key for one in candidates]
        self._first_sights = [rules.first_sight(one) for one in candidates]
        self._is_one_each = len(set(self._keys)) == len(self._keys)

    def look(self, rule: RuleSpec, states: Mapping[ScopeKey, ScopeState], given: Circumstances) -> Step:
        """One look of a rule at the whole table: the step that `rules.look` makes of what matches."""
        places = self._places(rule)
        if states or given.is_muted or given.suppressed_groups or not self._is_one_each:
            firings, after = self._look_closely(places, states, given)
        else:
            # Nothing is remembered and nothing holds back: every match is told.
            after = {self._keys[place]: self._first_sights[place] for place in places}
            if given.waits_from is not None:
                after = {key: rules.waiting(state, given.waits_from) for key, state in after.items()}
            firings = [self.candidates[place] for place in places]
        return rules.step_of(states, after, firings)

    def _look_closely(
        self, places: Sequence[int], states: Mapping[ScopeKey, ScopeState], given: Circumstances
    ) -> tuple[list[Candidate], dict[ScopeKey, ScopeState]]:
        after: dict[ScopeKey, ScopeState] = {}
        firings = []
        for place in places:
            key, first = self._keys[place], self._first_sights[place]
            state = states.get(key) if self._is_one_each else after.get(key) or states.get(key)
            if state is None:
                after[key] = first
            elif state.bucket == first.bucket and state.newest_bucket == first.newest_bucket and state.direction is first.direction:
                after[key] = state if state.is_active else rules.seen_again(state, self.candidates[place])
                if state.notified_bucket == first.bucket:
                    continue  # The common case of a scope that goes on being told about.
            else:
                after[key] = rules.seen_again(state, self.candidates[place])
            if rules.fires(state, self.candidates[place], given):
                firings.append(self.candidates[place])
                if given.waits_from is not None:
                    after[key] = rules.waiting(after[key], given.waits_from)
        return firings, after

    def matching(self, rule: RuleSpec) -> list[Candidate]:
        """Candidates that the rule is about, in the table's order."""
        return [self.candidates[place] for place in self._places(rule)]

    def _places(self, rule: RuleSpec) -> list[int]:
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
        kept &= self._is_unexpected
        places: list[int] = np.flatnonzero(kept).tolist()
        return places

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
