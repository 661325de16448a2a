"""What each kind of warehouse needs to be reached: the form, the secrets in it and the defaults all follow from here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MASK = "********"
"""What stands for a stored secret wherever it is shown; sent back, it keeps the stored one."""

# Entries that no adapter declares are kept for their owner; those that sound like a secret are treated as one.
_SOUNDS_SECRET = re.compile(r"pass|pwd|secret|token|credential|private|service_account|(?:^|[_-])key(?:$|[_-])|apikey|json$", re.I)


class DbType(StrEnum):
    """The kinds of warehouse, on the wire."""

    CLICKHOUSE = "clickhouse"
    POSTGRES = "postgres"
    BIGQUERY = "bigquery"


class FieldKind(StrEnum):
    """How a form asks for a field."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    SWITCH = "switch"
    SECRET = "secret"  # noqa: S105
    SECRET_TEXT = "secret_text"  # noqa: S105
    LONG_TEXT = "long_text"


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """One thing to know about a connection. With `is_param` it is an entry of `extra_params`, else a field of the data source."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    default: str = ""
    is_required: bool = False
    note: str = ""
    choices: tuple[str, ...] = ()
    is_param: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether the value is written and never shown."""
        return self.kind in (FieldKind.SECRET, FieldKind.SECRET_TEXT)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A kind of warehouse as people see it."""

    db_type: DbType
    title: str
    default_port: int
    fields: tuple[ConnectionField, ...]

    @property
    def secret_params(self) -> frozenset[str]:
        """Entries of `extra_params` that are secrets."""
        return frozenset(field.name for field in self.fields if field.is_param and field.is_secret)

    def is_secret_param(self, name: str) -> bool:
        """Whether an entry of `extra_params` is kept sealed: declared so, or undeclared with a name that sounds like it."""
        known = {field.name: field for field in self.fields if field.is_param}
        return known[name].is_secret if name in known else bool(_SOUNDS_SECRET.search(name))


_TIMEOUT = ConnectionField("timeout_seconds", "Query time limit", FieldKind.NUMBER, note="Seconds; 300 when empty.")

CLICKHOUSE = Declaration(
    DbType.CLICKHOUSE,
    "ClickHouse",
    8123,
    (
        ConnectionField("host", "Host", is_required=True, note="Name or address of the HTTP interface."),
        ConnectionField("port", "Port", FieldKind.NUMBER, "8123", is_required=True, note="8123 without TLS, 8443 with TLS."),
        ConnectionField("database_name", "Database", default="default", is_required=True),
        ConnectionField("username", "User", default="default", note="A user who may only read is enough."),
        ConnectionField("password", "Password", FieldKind.SECRET),
        ConnectionField("secure", "Use TLS", FieldKind.SWITCH, is_param=True),
        ConnectionField("verify", "Check the certificate", FieldKind.SWITCH, "true", is_param=True),
        _TIMEOUT,
    ),
)
POSTGRES = Declaration(
    DbType.POSTGRES,
    "PostgreSQL",
    5432,
    (
        ConnectionField("host", "Host", is_required=True),
        ConnectionField("port", "Port", FieldKind.NUMBER, "5432", is_required=True),
        ConnectionField("database_name", "Database", is_required=True),
        ConnectionField("username", "User", note="A role that may only read is enough."),
        ConnectionField("password", "Password", FieldKind.SECRET),
        ConnectionField(
            "sslmode",
            "TLS",
            FieldKind.CHOICE,
            "prefer",
            choices=("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
            is_param=True,
            note="verify-full checks certificate and host name.",
        ),
        ConnectionField(
            "sslrootcert",
            "Certificate authority",
            FieldKind.LONG_TEXT,
            is_param=True,
            note="PEM text, for verify-ca and verify-full; the system's own when empty.",
        ),
        _TIMEOUT,
    ),
)
BIGQUERY = Declaration(
    DbType.BIGQUERY,
    "BigQuery",
    443,
    (
        ConnectionField("host", "Project", is_required=True, note="Id of the Google Cloud project that pays for queries."),
        ConnectionField("database_name", "Dataset", is_required=True, note="Tables without a dataset are looked up here."),
        ConnectionField("password", "Service account key", FieldKind.SECRET_TEXT, note="The JSON file's content."),
        ConnectionField("location", "Location", is_param=True, note="Such as EU; found by BigQuery when empty."),
        ConnectionField(
            "maximum_bytes_billed",
            "Most bytes per query",
            FieldKind.NUMBER,
            "10000000000",
            is_param=True,
            note="A query that would read more is refused before it costs anything.",
        ),
        _TIMEOUT,
    ),
)

DECLARATIONS: Mapping[str, Declaration] = {entry.db_type.value: entry for entry in (CLICKHOUSE, POSTGRES, BIGQUERY)}


def declaration(db_type: str) -> Declaration:
    """The declaration of a kind; KeyError for none of ours."""
    return DECLARATIONS[db_type]
