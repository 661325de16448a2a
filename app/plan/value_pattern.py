"""Patterns that values must match (`contract_regex`, contract 2.5 and 8.2), safe whoever wrote them.

They run on a regular-expression engine without backtracking (Rust's, as shipped with pydantic), whose time grows linearly with
the value and whose compiled size is bounded. Look-around and back-references, which need backtracking, are therefore refused,
as ClickHouse's and BigQuery's RE2 would refuse them.
"""

from __future__ import annotations

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

LONGEST = 2000


class ValuePattern:
    """A compiled pattern; ValueError, with the engine's reason, for one that does not compile."""

    __slots__ = ("_many", "_validator", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._many: SchemaValidator | None = None
        if len(text) > LONGEST:
            raise ValueError(f"a pattern has at most {LONGEST} characters")
        try:
            self._validator = SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex", strict=True))
        except SchemaError as error:
            raise ValueError(_reason(str(error))) from None

    def matches(self, value: str) -> bool:
        """Whether the pattern is found somewhere in the value."""
        try:
            self._validator.validate_python(value)
        except ValidationError:
            return False
        return True

    def mismatches(self, values: bytes) -> list[int]:
        """The positions of those in a JSON array of texts in which the pattern is not found: a third of the work of asking for
        each."""
        if self._many is None:
            one = core_schema.str_schema(pattern=self.text, regex_engine="rust-regex", strict=True)
            self._many = SchemaValidator(core_schema.list_schema(one))
        try:
            self._many.validate_json(values)
        except ValidationError as error:
            return [int(fault["loc"][0]) for fault in error.errors(include_url=False, include_context=False, include_input=False)]
        return []


def _reason(message: str) -> str:
    """The engine's `error: ...` line, without the drawing of the pattern around it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith("error:")), lines[-1] if lines else "")
    return reason.removeprefix("error:").removeprefix("SchemaError:").strip() or "the pattern does not compile"
