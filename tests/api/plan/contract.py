"""The contract's table of operations and shapes, read from the file beside this repository."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

_SHARED = Path(__file__).resolve().parents[4] / "shared"
CONTRACT = _SHARED / "contract" / "tracking_plan_api.yaml"
CHECKER = _SHARED / "tools" / "check_contract.py"
ABSENT = f"the contract is not beside this repository ({CONTRACT.name})"
IS_REACHABLE = CONTRACT.exists() and CHECKER.exists()

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "uuid": (str,), "datetime": (str,), "int": (int,), "num": (int, float), "bool": (bool,), "obj": (dict,),
}  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """Operations with their shapes."""

    operations: list[dict[str, Any]]
    schemas: dict[str, Any]
    enums: dict[str, list[str]]

    def of_tags(self, *tags: str) -> list[dict[str, Any]]:
        """The operations that carry one of the tags, in the order of the file."""
        return [operation for operation in self.operations if operation["tag"] in tags]

    def mismatches(self, spec: Any, value: Any, where: str = "answer") -> list[str]:
        """What in a JSON value departs from its spec, all the way down. Later additions of the contract may be there."""
        if isinstance(spec, str):
            spec = {"ref": spec} if spec in self.schemas else {"t": spec}
        if value is None:
            return [] if spec.get("nullable") or spec.get("t") == "any" else [f"{where} is null"]
        if "list" in spec:
            if not isinstance(value, list):
                return [f"{where} is no list"]
            entries = enumerate(value)
            return [fault for index, entry in entries for fault in self.mismatches(spec["list"], entry, f"{where}[{index}]")]
        if "ref" in spec:
            return self._object(spec["ref"], value, where)
        return self._scalar(spec, value, where)

    def _object(self, name: str, value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        schema = self.schemas[name]
        fields, later = schema["fields"], [entry.split(":")[0] for entry in schema.get("newer", ())]
        faults = [f"{where}.{field} is missing" for field in fields if field not in value]
        faults += [f"{where}.{field} is not in the contract" for field in value if field not in fields and field not in later]
        for field, spec in fields.items():
            if field in value:
                faults += self.mismatches(spec, value[field], f"{where}.{field}")
        return faults

    def _scalar(self, spec: dict[str, Any], value: Any, where: str) -> list[str]:
        kind = spec.get("t")
        types = _JSON_TYPES.get(kind, (object,))
        if not isinstance(value, types) or (isinstance(value, bool) and kind in ("int", "num")):
            return [f"{where} must be {kind}, is {value!r}"]
        if kind == "uuid" and not _UUID.fullmatch(value):
            return [f"{where} is no lower-case uuid: {value!r}"]
        if kind == "datetime" and datetime.fromisoformat(value).utcoffset() is None:
            return [f"{where} has no zone: {value!r}"]
        allowed = spec.get("enum")
        if isinstance(allowed, str):
            allowed = self.enums[allowed]
        return [f"{where} must be one of {allowed}, is {value!r}"] if allowed and value not in allowed else []


@cache
def _document() -> dict[str, Any]:
    return yaml.safe_load(CONTRACT.read_text())


@cache
def _checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_contract", CHECKER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_contract() -> Contract:
    """The contract, or an empty one where it is not reachable."""
    if not IS_REACHABLE:
        return Contract([], {}, {})
    return Contract(_document()["operations"], _document()["schemas"], _document()["enums"])


def differences(openapi: dict[str, Any], operations: list[dict[str, Any]]) -> list[str]:
    """What the project's checker finds in an OpenAPI document about the operations."""
    check = _checker().Check(_document(), openapi)
    for operation in operations:
        check.operation(operation)
    return list(check.found)
