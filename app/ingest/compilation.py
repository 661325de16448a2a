"""Compilation of the functions that read bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import numba
import numpy as np

from app.kernel.machine_code import Function, MachineCode

Numbers = np.ndarray[Any, Any]
_SOURCES: Final = ("scan.py", "scan_checks.py", "scan_columns.py", "scan_numbers.py", "scan_values.py", "compilation.py")
_CODE: Final = MachineCode("ingest", [Path(__file__).with_name(name) for name in _SOURCES])


def compiled(function: Function) -> Function:
    """Compile the function on first use and keep the result on disk where that is possible."""
    return _CODE.compiled(function, boundscheck=True)


def part(function: Function) -> Function:
    """Compile the function as a piece of whatever calls it."""
    return cast("Function", numba.njit(nogil=True, boundscheck=True, forceinline=True)(function))


def unchecked(function: Function) -> Function:
    """As `part`, without a look at the bounds of the arrays: for functions that cannot leave them and say why."""
    return cast("Function", numba.njit(nogil=True, forceinline=True)(function))
