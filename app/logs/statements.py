"""SQL that clients send: one SELECT over their own data sources and pipes, rewritten so that it can name nothing else. Pure.

Every table is replaced: a data source by a mark that nobody can guess, in whose place the caller's own rows are put, and
anything else by a name that only a WITH of the same statement can have.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

from app.kernel.errors import BadRequest
from app.warehouse.declarations import DbType
from app.warehouse.guard import NotReadOnly, check_query

_CLOSED_NODES: Final = (exp.Final, exp.TableSample, exp.Placeholder)


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked query. `text` holds `marks` where the rows of the named data sources belong; `format` is what it ends with."""

    text: str
    marks: dict[str, str]
    format: str | None


def read_statement(sql: str, names: Iterable[str]) -> Statement:
    """Check the query against the names it may read from. Errors: BadRequest with the rule it breaks."""
    known = {name.lower(): name for name in names}
    text, output_format = _without_format(sql)
    try:
        check_query(DbType.CLICKHOUSE.value, text, tables=frozenset(known))
    except NotReadOnly as refusal:
        raise BadRequest(refusal.sentence) from None
    try:
        tree = sqlglot.parse_one(text, read="clickhouse")
        marks = _rewrite(tree, known)
        written = tree.sql(dialect="clickhouse", comments=False)
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise BadRequest("The query cannot be understood as a SELECT.") from None
    if ";" in written:
        raise BadRequest("The query must not hold a semicolon.")
    return Statement(written, marks, output_format)


def _without_format(sql: str) -> tuple[str, str | None]:
    text = sql.strip().removesuffix(";").rstrip()
    if len(text) > 100_000:
        raise BadRequest("The query is too long.")
    try:
        tokens = sqlglot.tokenize(text, read="clickhouse")
    except (SqlglotError, RecursionError, ValueError):
        raise BadRequest("The query cannot be understood as a SELECT.") from None
    if len(tokens) > 2 and tokens[-2].text.upper() == "FORMAT" and tokens[-1].token_type in (TokenType.VAR, TokenType.JSON):
        return text[: tokens[-2].start].rstrip(), tokens[-1].text
    return text, None


def _rewrite(tree: exp.Expr, known: dict[str, str]) -> dict[str, str]:
    nonce = secrets.token_hex(8)
    marks: dict[str, str] = {}
    for cte in list(tree.find_all(exp.CTE)):
        name = cte.alias_or_name
        if name.lower() in known:
            raise BadRequest(f"WITH must not redefine {name[:64]}.")
        if not cte.args.get("scalar"):
            cte.args["alias"].set("this", exp.to_identifier(_hidden(name, nonce), quoted=True))
    for node in list(tree.walk()):
        if isinstance(node, _CLOSED_NODES):
            raise BadRequest(f"The query must not use {type(node).__name__.upper()}.")
        if isinstance(node, exp.In) and isinstance(node.args.get("field"), exp.Column):
            raise BadRequest("IN needs a list or a sub-query.")
        if isinstance(node, exp.Table):
            _replace(node, known, nonce, marks)
    return marks


def _replace(node: exp.Table, known: dict[str, str], nonce: str, marks: dict[str, str]) -> None:
    if not isinstance(node.this, exp.Identifier) or node.args.get("db") or node.args.get("catalog"):
        raise BadRequest("The query must read from data sources and pipes that are named.")
    name = node.this.name
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    source = known.get(name.lower())
    hidden = _hidden(name, nonce)
    if source is not None:
        hidden = f"source_{nonce}_{sorted(known).index(name.lower())}"
        marks[hidden] = source
    node.set("this", exp.to_identifier(hidden, quoted=source is None))


def _hidden(name: str, nonce: str) -> str:
    return f"{name}_{nonce}"
