"""The guard on base queries: one SELECT or WITH that reads and does nothing else, safe to embed as a sub-query. Pure.

Everything is refused that is not known to be harmless: tokens, parts of the tree, functions, schemas. It is the first of two
locks; the adapters also read in read-only sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from app.warehouse.declarations import DbType
from app.warehouse.guard_lists import (
    ARGUMENTS,
    CLOSED_PREFIXES,
    CLOSED_SCHEMAS,
    COMBINATORS,
    FUNCTIONS,
    NAMED_FUNCTIONS,
    NODES,
    TABLE_FUNCTIONS,
)

LONGEST_QUERY = 100_000
DEEPEST_NESTING = 60
MOST_TOKENS = 10_000

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements it does not know, with their text

_TEXT_TOKENS = frozenset({TokenType.STRING, TokenType.RAW_STRING, TokenType.IDENTIFIER})
_CLOSED_TOKENS = frozenset(
    {
        TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.NATIONAL_STRING, TokenType.UNICODE_STRING, TokenType.HINT,
        TokenType.SEMICOLON, TokenType.COMMAND, TokenType.PARAMETER, TokenType.SESSION_PARAMETER,
    }
)  # fmt: skip
_NOT_UNDERSTOOD = "The query cannot be understood as a SELECT of this database"
_SAY_WHO = frozenset({"current_catalog", "current_role", "current_schema", "current_user", "session_user", "system_user", "user"})
_NAMELESS = (exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg, exp.CombinedParameterizedAgg)


class NotReadOnly(Exception):
    """The query is none the guard lets through; `sentence` names the rule for the query's owner."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def check_query(db_type: str, sql: str, *, tables: frozenset[str] | None = None) -> None:
    """Return when the query may run; NotReadOnly otherwise. With `tables`, only these may be named, without a schema."""
    dialect = DbType(db_type)
    text = sql.strip()
    _check_bounds(text)
    try:
        tokens = sqlglot.tokenize(text, read=dialect.value)
        _check_tokens(text, tokens, dialect)
        statements = sqlglot.parse(text, read=dialect.value)
        if len(statements) != 1 or statements[0] is None:
            raise NotReadOnly("The query must be one statement.")
        _check_tree(statements[0], dialect, tables)
    except ParseError as error:
        raise NotReadOnly(f"{_NOT_UNDERSTOOD}{_place(error, sql)}.") from None
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise NotReadOnly(f"{_NOT_UNDERSTOOD}.") from None


def _place(error: ParseError, sql: str) -> str:
    """The word at which the parser gave up and its line of `sql`, as the end of a sentence; empty when it does not tell them."""
    first = error.errors[0] if error.errors else {}
    word, line = str(first.get("highlight") or ""), first.get("line")
    if not word or not isinstance(line, int):
        return ""
    skipped = sql[: len(sql) - len(sql.lstrip())].count("\n")
    return f", at {word[:20]!r} in line {line + skipped}"


def _check_bounds(text: str) -> None:
    if not text:
        raise NotReadOnly("The query is empty.")
    if len(text) > LONGEST_QUERY:
        raise NotReadOnly(f"The query must have at most {LONGEST_QUERY} characters.")
    # Also inside of texts: databases and parsers disagree about where some texts end.
    for sign, name in ((";", "semicolon"), ("--", "comment"), ("/*", "comment"), ("*/", "comment"), ("\x00", "NUL character")):
        if sign in text:
            raise NotReadOnly(f"The query must not hold a {name}.")
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    if deepest > DEEPEST_NESTING:
        raise NotReadOnly(f"The query is nested more than {DEEPEST_NESTING} levels deep.")


def _check_tokens(text: str, tokens: list[Token], dialect: DbType) -> None:
    if len(tokens) > MOST_TOKENS:
        raise NotReadOnly(f"The query must have at most {MOST_TOKENS} words.")
    if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH):
        raise NotReadOnly("The query must be one SELECT or WITH statement.")
    outside: list[str] = []
    position = 0
    for index, token in enumerate(tokens):
        if token.comments:
            raise NotReadOnly("The query must not hold a comment.")
        if token.token_type in _CLOSED_TOKENS:
            raise NotReadOnly(f"The query must not hold {token.text[:20]!r}.")
        if token.token_type in _TEXT_TOKENS:
            outside.append(text[position : token.start])
            position = token.end + 1
            _check_text(text[token.start : position], token, dialect)
            following = tokens[index + 1].token_type if index + 1 < len(tokens) else None
            if token.token_type is TokenType.IDENTIFIER and following is TokenType.L_PAREN:
                raise NotReadOnly("The query must not call a function by a quoted name.")
    outside.append(text[position:])
    # Some databases read typographic quotes and spaces as syntax.
    if any(not (character.isascii() and (character.isprintable() or character in "\n\r\t")) for character in "".join(outside)):
        raise NotReadOnly("The query must not hold special characters outside of texts and quoted names.")
    if "$" in "".join(outside):
        raise NotReadOnly("The query must not hold a dollar sign outside of texts and quoted names.")


def _check_text(raw: str, token: Token, dialect: DbType) -> None:
    """A text must end at the same place for the parser and for the database, whichever way that one reads backslashes."""
    if "\\" not in raw:
        return
    if token.token_type is TokenType.IDENTIFIER:
        raise NotReadOnly("The query must not hold a backslash in a quoted name.")
    if dialect is DbType.POSTGRES and ("\\'" in raw or not raw.startswith("'")):
        raise NotReadOnly("The query must not hold a backslash before a quote.")


def _check_tree(tree: exp.Expr, dialect: DbType, tables: frozenset[str] | None) -> None:
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise NotReadOnly("The query must be one SELECT or WITH statement.")
    named_here = frozenset(cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE))
    for node in tree.walk():
        kind = type(node).__name__
        allowed = ARGUMENTS.get(kind)
        if allowed is not None and (more := [name for name, value in node.args.items() if value and name not in allowed]):
            raise NotReadOnly(f"The query must not use {more[0].strip('_').upper()}.")
        _check_node(node, dialect)
        if isinstance(node, exp.Table):
            _check_table(node, dialect, tables, named_here)
        if isinstance(node, exp.In):
            _check_in(node, tables, named_here)


def _check_node(node: exp.Expr, dialect: DbType) -> None:
    match node:
        case exp.Func() | exp.Anonymous():
            _check_function(node, dialect)
        case exp.TableAlias() if isinstance(node.parent, exp.Table) and node.args.get("columns") and not node.this:
            raise NotReadOnly("The query must not read from a function.")  # `f('x')`, read as a table with named columns
        case exp.Column() if _says_who(node, dialect):
            raise NotReadOnly("The query must not ask who is connected.")
        case exp.Select() if not node.expressions:
            raise NotReadOnly("The query must name what it reads.")
        case exp.DataType():
            _check_type(node)
        case exp.Dot() if isinstance(node.expression, exp.Func | exp.Anonymous) and not _is_safe_prefix(node, dialect):
            raise NotReadOnly("The query must not call a function of a schema.")
        case _ if type(node).__name__ not in NODES:
            raise NotReadOnly(f"The query must not use {_words(type(node).__name__)}.")


def _says_who(node: exp.Column, dialect: DbType) -> bool:
    name = node.name.lower()
    if name not in _SAY_WHO or len(node.parts) > 1 or node.this.args.get("quoted"):
        return False
    return name != "user" or dialect is DbType.POSTGRES


def _check_in(node: exp.In, tables: frozenset[str] | None, named_here: frozenset[str]) -> None:
    # ClickHouse reads `a IN b` as a look into the table b.
    field = node.args.get("field")
    if not isinstance(field, exp.Column):
        return
    if field.args.get("table") or (tables is not None and field.name.lower() not in named_here | tables):
        raise NotReadOnly("The query must not use IN with a table of another schema.")


def _check_function(node: exp.Expr, dialect: DbType) -> None:
    if isinstance(node, _NAMELESS):
        name = str(node.this if isinstance(node.this, str) else node.name).lower()
        if name in NAMED_FUNCTIONS[dialect]:
            return
        if dialect is DbType.CLICKHOUSE and _base_aggregate(name) in NAMED_FUNCTIONS[dialect]:
            return
        in_from = isinstance(node.parent, exp.Table | exp.Lateral)
        if in_from and name in TABLE_FUNCTIONS[dialect]:
            return
        raise NotReadOnly(f"The query must not call the function {name[:60]}.")
    if type(node).__name__ not in FUNCTIONS:
        raise NotReadOnly(f"The query must not call the function {_words(type(node).__name__)}.")


def _check_table(node: exp.Table, dialect: DbType, tables: frozenset[str] | None, named_here: frozenset[str]) -> None:
    source = node.this
    if isinstance(source, exp.Func | exp.Anonymous):
        name = (source.name if isinstance(source, exp.Anonymous) else type(source).__name__).lower()
        if name not in TABLE_FUNCTIONS[dialect] or (node.args.get("db") is not None):
            raise NotReadOnly(f"The query must not read from the function {name[:60]}.")
        return
    if not isinstance(source, exp.Identifier):
        raise NotReadOnly("The query must read from tables that are named.")
    parts = [part.name.lower() for part in node.parts]
    # A quoted name may hold a whole path.
    pieces = [piece for part in parts for piece in part.split(".")]
    if any(piece in CLOSED_SCHEMAS for piece in pieces) or any(piece.startswith(CLOSED_PREFIXES) for piece in pieces):
        raise NotReadOnly("The query must not read tables that describe the server.")
    if tables is not None and not (len(parts) == 1 and (parts[0] in tables or parts[0] in named_here)):
        raise NotReadOnly(f"The query may read {', '.join(sorted(tables))} only.")


def _check_type(node: exp.DataType) -> None:
    if node.this is exp.DataType.Type.USERDEFINED or not isinstance(node.this, exp.DataType.Type | exp.Interval):
        raise NotReadOnly("The query must not convert to a type that the database does not bring along.")


def _is_safe_prefix(node: exp.Dot, dialect: DbType) -> bool:
    return dialect is DbType.BIGQUERY and node.this.name.lower() in ("safe", "net")


def _base_aggregate(name: str) -> str:
    """The aggregate's name without ClickHouse's combinators."""
    changed = True
    while changed:
        changed = False
        for ending in COMBINATORS:
            if name.endswith(ending) and len(name) > len(ending) and name not in NAMED_FUNCTIONS[DbType.CLICKHOUSE]:
                name, changed = name.removesuffix(ending), True
    return name


def _words(kind: str) -> str:
    spaced = "".join(f" {character.lower()}" if character.isupper() else character for character in kind)
    return " ".join(_merged(spaced.split()))


def _merged(words: Iterable[str]) -> list[str]:
    """Single letters of an abbreviation belong together."""
    merged: list[str] = []
    for word in words:
        if merged and len(word) == 1 and merged[-1].isupper():
            merged[-1] += word.upper()
        else:
            merged.append(word.upper() if len(word) == 1 else word)
    return merged
