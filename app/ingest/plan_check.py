"""Payloads and source code held against a plan, outside of any request: what `plumbline check` tells a build.

Payloads are judged by the very rules of the ingest. Source code is only searched for the names of events: calls that name an event
the plan does not hold, and events of the plan that no file names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Final

from app.ingest.decode import decode_batch
from app.ingest.project_plans import ProjectPlan
from app.ingest.rules import Reception, TimeWindow, clean_batch
from app.ingest.validation import Mode, Policy, compile_checks
from app.kernel.errors import AppError
from app.plan.contracts import FieldRules

PAYLOADS: Final = frozenset({".json", ".ndjson", ".jsonl"})
SOURCES: Final = frozenset(
    {".py", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".swift", ".kt", ".java", ".go", ".rb", ".php", ".cs", ".dart"}
)
MOST_EVENTS: Final = 100_000
_CALL: Final = re.compile(r"""\b(?:track|capture|logEvent|log_event|sendEvent|send_event)\(\s*(["'`])([^"'`\n$]{1,500})\1""")
_WINDOW: Final = TimeWindow.of(max_age_days=36500, max_future_hours=8760)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that breaks the plan, and where: a position in the file, the line of a source or the event of a payload."""

    file: str
    position: int
    reason: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found. `named` are the planned events that some file names."""

    payloads: int = 0
    events: int = 0
    sources: int = 0
    findings: list[Finding] = field(default_factory=list)
    named: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What an instance knows of a planned event: how many arrived in seven days, when the last did, and which alerts name it."""

    count: int
    last_seen_at: datetime | None
    alerts: tuple[str, ...] = ()


class PlanCheck:
    """A plan, compiled. `is_strict` also refuses properties that the plan does not name."""

    def __init__(
        self, names: frozenset[tuple[str, str]], fields: Mapping[str, Sequence[FieldRules]], *, is_strict: bool, now: datetime
    ) -> None:
        policy = Policy(Mode.BLOCK, refuses_unplanned=True, refuses_unknown_properties=is_strict)
        self._plan = ProjectPlan(names, compile_checks(fields, policy, b""))
        self._now = now
        self._by_event: dict[str, list[tuple[str, str]]] = {}
        for pair in sorted(names):
            self._by_event.setdefault(pair[1], []).append(pair)

    def look(self, files: Iterable[tuple[str, bytes]]) -> Report:
        """Look at files by name; those of other kinds are passed over."""
        report = Report()
        for name, content in files:
            kind = PurePath(name).suffix.lower()
            if kind in PAYLOADS:
                report.payloads += 1
                self._payload(report, name, content, is_lines=kind != ".json")
            elif kind in SOURCES:
                report.sources += 1
                self._source(report, name, content.decode(errors="replace"))
        return report

    def _payload(self, report: Report, name: str, content: bytes, *, is_lines: bool) -> None:
        body = b"[" + b",".join(line for line in content.splitlines() if line.strip()) + b"]" if is_lines else content
        try:
            batch = decode_batch(body, MOST_EVENTS)
        except AppError as refusal:
            report.findings.append(Finding(name, 0, refusal.message))
            return
        cleaned = clean_batch(batch, Reception("", "", self._plan, _WINDOW, self._now))
        report.events += len(batch)
        report.findings += [Finding(name, index + 1, reason) for index, reason in cleaned.faults]
        if cleaned.values:
            report.named.update(zip(cleaned.values[0], cleaned.values[1], strict=True))

    def _source(self, report: Report, name: str, text: str) -> None:
        for event, pairs in self._by_event.items():
            if event in text:
                report.named.update(pairs)
        for number, line in enumerate(text.splitlines(), start=1):
            for match in _CALL.finditer(line):
                if match[2] not in self._by_event:
                    report.findings.append(Finding(name, number, f"sends {match[2]!r}, which the plan does not hold"))

    def unnamed(self, report: Report) -> list[tuple[str, str]]:
        """Planned events that nothing of what was looked at names."""
        return sorted(self._plan.names - report.named) if self._plan.names else []


def markdown(report: Report, unnamed: Sequence[tuple[str, str]], facts: Mapping[tuple[str, str], LiveFacts]) -> str:
    """The report for a pull request: what breaks the plan, and what is known of the events that were named."""
    verdict = f"{len(report.findings)} findings" if report.findings else "no findings"
    looked = f"{report.events} events in {report.payloads} payload files and {report.sources} source files"
    lines = [f"## Tracking plan: {verdict}", "", f"Looked at {looked}.", ""]
    if report.findings:
        lines += ["| File | At | What is wrong |", "|---|---|---|"]
        lines += [f"| `{_cell(one.file)}` | {one.position or ''} | {_cell(one.reason)} |" for one in report.findings]
        lines.append("")
    known = [(pair, facts[pair]) for pair in sorted(report.named) if pair in facts]
    if known:
        lines += ["| Event | Last 7 days | Last seen | Alerts |", "|---|---|---|---|"]
        for (source, name), fact in known:
            seen = f"{fact.last_seen_at:%Y-%m-%d %H:%M} UTC" if fact.last_seen_at else "never"
            lines.append(f"| {_cell(source)} / {_cell(name)} | {fact.count:,} | {seen} | {_cell(', '.join(fact.alerts)) or '–'} |")
        lines.append("")
    if unnamed and report.sources:
        listed = ", ".join(f"`{_cell(name)}`" for _, name in unnamed[:20])
        more = f" and {len(unnamed) - 20} more" if len(unnamed) > 20 else ""
        lines += [f"Planned and named nowhere: {listed}{more}.", ""]
    return "\n".join(lines)


def as_json(report: Report, unnamed: Sequence[tuple[str, str]], facts: Mapping[tuple[str, str], LiveFacts]) -> str:
    """The report for a program; the keys stay as they are."""
    return json.dumps(
        {
            "payloads": report.payloads,
            "events": report.events,
            "sources": report.sources,
            "findings": [{"file": one.file, "position": one.position, "reason": one.reason} for one in report.findings],
            "unnamed": [{"event_type": source, "event": name} for source, name in unnamed],
            "live": [
                {
                    "event_type": source,
                    "event": name,
                    "count_7_days": fact.count,
                    "last_seen_at": fact.last_seen_at.isoformat() if fact.last_seen_at else None,
                    "alerts": list(fact.alerts),
                }
                for (source, name), fact in sorted(facts.items())
                if (source, name) in report.named
            ],
        }
    )


def _cell(text: str) -> str:
    """Text that stays within its cell of a table and is no HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").replace("`", "'")
