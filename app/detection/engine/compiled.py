"""Compilation of the engine's numeric functions."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import numba

from app.kernel.machine_code import Function, MachineCode

CODE: Final = MachineCode("detection", Path(__file__).parent.rglob("*.py"))


def compiled(function: Function) -> Function:
    """Compile a numeric function on first use and keep the result on disk where that is possible; other threads run meanwhile."""
    return CODE.compiled(function)


def inlined(function: Function) -> Function:
    """Compile as a part of whatever calls it: a call in an inner loop would copy the description of every array."""
    return cast("Function", numba.njit(inline="always")(function))
