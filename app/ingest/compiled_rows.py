"""Rows of usual requests, several at a time, by the compiled reader: a third of the work of decoding them and of putting their
columns together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from app.ingest.columns import runs_of, texts_column
from app.ingest.fresh_ids import FreshIds
from app.ingest.payloads import payload_of
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Cleaned, Reception
from app.ingest.validation import Mode, Policy, ProjectChecks, compile_checks
from app.plan.contracts import FieldRules

if TYPE_CHECKING:
    from types import ModuleType

    from app.ingest.check_tables import CheckTables

TOGETHER_BYTES: Final = 262_144
"""Of bodies that are read together: more of them would not stay in the processor's cache."""
_FEWEST_BYTES_OF_AN_EVENT: Final = 16
_BYTES_OF_A_ROW: Final = 160
"""What a row can take beside the texts of the body, among it a new id."""
_ACCEPTED: Final = b"\x08accepted"
_NOTHING: Final = b"\0"
_MOST_TABLES: Final = 64
log = logging.getLogger("plumbline.ingest")


class CompiledReader:
    """Reads bodies into arrays of its own. Compiles when it is made, unless the machine code is on disk."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        from app.ingest import check_tables, scan, scan_columns, scan_values

        self._check_tables: ModuleType = check_tables
        self._tables: dict[str, tuple[str, CheckTables]] = {}
        self._scan: ModuleType = scan
        self._scan_columns: ModuleType = scan_columns
        self._padding = bytes(scan.PADDING)
        self._most_events = most_events
        self.most_bytes = most_bytes
        rows = most_events + TOGETHER_BYTES // _FEWEST_BYTES_OF_AN_EVENT
        size = most_bytes + TOGETHER_BYTES
        self._places = np.zeros((rows, scan.COUNT), np.int32)
        self._lengths = np.zeros((rows, scan.COUNT), np.int32)
        self._times = np.zeros(rows, np.int64)
        self._values = np.zeros(rows, np.float64)
        self._kinds = np.zeros(rows, np.int32)
        self._firsts = np.zeros(scan.MOST_KINDS, np.int32)
        self._slots = np.zeros(scan.SLOTS, np.int32)
        self._entries = np.zeros((scan_values.MOST_ATTRIBUTES, 4), np.int32)
        self._ends = np.zeros(rows, np.int64)
        self._column_ends = np.zeros(scan_columns.WRITTEN_COLUMNS, np.int64)
        self._properties = np.zeros(size + 32 * rows, np.uint8)
        self._columns = np.zeros(3 * size + _BYTES_OF_A_ROW * rows, np.uint8)
        self._id_lines = np.zeros(size + _BYTES_OF_A_ROW * rows, np.uint8)
        self._bits = self._values.view(np.int64)
        self._warm_up()

    def _warm_up(self) -> None:
        text, counts, _ = self._found([b'[{"service":"a","duration":1}]'], 0, 0, 1)
        self._write(text, counts[0], "0" * self._scan_columns.FRESH_LENGTH)
        rule = FieldRules("service", "string", is_required=False, regex="a")
        checks = compile_checks({"a": [rule], "b": []}, Policy(Mode.FLAG), b"")
        assert checks is not None
        self._check_tables.CheckTables(checks).warm_up()

    def is_worth_a_try(self, project_id: str, plan: ProjectPlan) -> bool:
        """Whether the plan's checks are likely to have nothing to say of a body's events."""
        return plan.checks is None or self._tables_of(project_id, plan, plan.checks).is_worth_a_try()

    def _tables_of(self, project_id: str, plan: ProjectPlan, checks: ProjectChecks) -> CheckTables:
        kept = self._tables.get(project_id)
        if kept is None or (kept[1].checks is not checks and (not plan.revision or kept[0] != plan.revision)):
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            kept = self._tables[project_id] = plan.revision, self._check_tables.CheckTables(checks)
        return kept[1]

    def reads(self, body: bytes) -> bool:
        """Whether the body is one that may be read here."""
        return len(body) <= self.most_bytes and body.isascii() and b"\\" not in body and b"\x7f" not in body

    def read(self, bodies: Sequence[bytes], reception: Reception) -> tuple[Cleaned, list[int]] | None:
        """What becomes of the events of bodies of which all but the last have fewer than `TOGETHER_BYTES` in all, and how many each
        body has: none where some are not good and usual, or the plan's checks may have something to say. None when that is so
        everywhere."""
        try:
            return self._read(bodies, reception)
        except IndexError:  # the compiled code looks where it must not: a fault of ours, and no reason to refuse the events
            log.error("the compiled reader failed, the requests are read without it")
            return None

    def _read(self, bodies: Sequence[bytes], reception: Reception) -> tuple[Cleaned, list[int]] | None:
        rules = reception.rules(0)
        text, counts, (count, kinds, without_id) = self._found(bodies, rules.received_at, rules.oldest, rules.newest)
        if count == 0:
            return None
        known = rules.known
        pairs = self._pairs(text, kinds)
        if reception.plan.checks is not None:
            doubtful = self._doubtful(text, counts, pairs, reception)
            if any(doubtful):
                return self._read_others(bodies, doubtful, reception)
        unplanned = [kind for kind, pair in enumerate(pairs) if pair not in known]
        fresh_ids = FreshIds(without_id, rules.received_at)
        ids, (*columns, properties) = self._write(text, count, "".join([fresh_ids() for _ in range(without_id)]))
        cleaned = Cleaned(
            reception.tenant_id,
            reception.project_id,
            rules.received_at,
            reception.plan.revision,
            count,
            (),
            is_ascii=True,
            flagged={},
            blocked=0,
            quarantine=b"",
            faults=[],
            has_own_ids=without_id < count,
            encoded_ids=ids,
        )
        verdicts, reasons = _ACCEPTED * count, _NOTHING * count
        if unplanned:
            marks = np.isin(self._kinds[:count], unplanned).tolist()
            verdicts = texts_column(["flagged" if mark else "accepted" for mark in marks])
            reasons = texts_column([rules.flag_reason if mark else "" for mark in marks])
            cleaned.flagged = {rules.flag_reason: sum(marks)}
        cleaned.encoded = payload_of(runs_of([cleaned]), (*columns, verdicts, reasons, properties))
        return cleaned, counts

    def _doubtful(self, text: bytes, counts: Sequence[int], pairs: Sequence[tuple[str, str]], reception: Reception) -> list[bool]:
        """For every body whether the checks may have something to say of its events."""
        plan = reception.plan
        assert plan.checks is not None
        tables = self._tables_of(reception.project_id, plan, plan.checks)
        marks = tables.doubtful(
            pairs, plan.known, text, sum(counts), self._kinds, self._places, self._lengths, self._values, self._properties,
            self._ends,
        )  # fmt: skip
        ends = [*accumulate(counts)]
        doubtful = [bool(count and marks[end - count : end].any()) for count, end in zip(counts, ends, strict=True)]
        is_left = [count > 0 and not mark for count, mark in zip(counts, doubtful, strict=True)]
        tables.learn(is_fruitless=not any(is_left))
        return doubtful

    def _read_others(
        self, bodies: Sequence[bytes], left_out: Sequence[bool], reception: Reception
    ) -> tuple[Cleaned, list[int]] | None:
        """As `_read`, without these bodies. Rare enough that to scan the others once more is no matter."""
        found = self._read([body for body, mark in zip(bodies, left_out, strict=True) if not mark], reception)
        if found is None:
            return None
        counts = iter(found[1])
        return found[0], [0 if mark else next(counts) for mark in left_out]

    def _found(
        self, bodies: Sequence[bytes], received_at: int, oldest: int, newest: int
    ) -> tuple[bytes, list[int], tuple[int, int, int]]:
        """The text of all bodies, their numbers of events, and what the scan says of all of them."""
        padding = self._padding
        text = padding.join([*bodies, b""])
        begins = np.array([*accumulate([len(body) + len(padding) for body in bodies], initial=0)], np.int64)
        counts = np.zeros(len(bodies), np.int32)
        found: tuple[int, int, int] = self._scan.scan(
            np.frombuffer(text, np.uint8), begins, self._most_events, received_at, oldest, newest, self._places, self._lengths,
            self._times, self._values, self._kinds, self._firsts, self._slots, self._entries, self._properties, self._ends, counts,
        )  # fmt: skip
        return text, counts.tolist(), found

    def _write(self, text: bytes, count: int, fresh: str) -> tuple[list[str], list[memoryview]]:
        """The ids, and the columns that the scan found; they are good until the next one."""
        new_ids = np.frombuffer(fresh.encode() or self._padding, np.uint8)
        size = self._scan_columns.write(
            np.frombuffer(text, np.uint8), count, self._places, self._lengths, self._times, self._bits, self._properties,
            self._ends, new_ids, self._columns, self._column_ends, self._id_lines,
        )  # fmt: skip
        ids = self._id_lines.data[: size - 1].tobytes().decode("ascii").split("\n")  # no id has a line end of its own
        written = self._columns.data
        ends = self._column_ends.tolist()
        return ids, [written[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]

    def _pairs(self, text: bytes, kinds: int) -> list[tuple[str, str]]:
        """Service and operation of every kind."""
        scan, rows = self._scan, self._firsts[:kinds]
        sources, names = (
            [
                text[begin : begin + length].decode("ascii")
                for begin, length in zip(self._places[rows, member].tolist(), self._lengths[rows, member].tolist(), strict=True)
            ]
            for member in (scan.SERVICE, scan.OPERATION)
        )
        return list(zip(sources, names, strict=True))
