"""Compilation of the numeric functions with numba, kept on disk between processes.

numba notices a change in the file of a compiled function but not in the functions it calls, so the cache folder carries a digest
of the engine: machine code of another version is never loaded. `NUMBA_CACHE_DIR` names the parent folder (an image that is built
with it starts warm); otherwise the user's cache folder is used, and without a writable one every process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as numba_config

Function = TypeVar("Function", bound=Callable[..., object])


def package_digest(folder: Path) -> str:
    """Short digest of the Python sources in a folder and those below it."""
    digest = hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.relative_to(folder).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where the machine code of this version is kept."""
    parent = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(parent) if parent else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumbline" / "numba"
    return base / f"detection-{_DIGEST}"


_DIGEST = package_digest(Path(__file__).parent)


def compiled(function: Function) -> Function:
    """Compile a numeric function on first use and keep the result on disk where that is possible; other threads run meanwhile."""
    dispatcher = numba.njit(nogil=True)(function)
    settings = cast("Any", numba_config)
    usual = settings.CACHE_DIR
    try:
        settings.CACHE_DIR = str(cache_folder())
        dispatcher.enable_caching()
    except (RuntimeError, OSError):
        dispatcher = numba.njit(nogil=True)(function)
    finally:
        settings.CACHE_DIR = usual
    return cast("Function", dispatcher)


def inlined(function: Function) -> Function:
    """Compile as a part of whatever calls it: a call in an inner loop would copy the description of every array."""
    return cast("Function", numba.njit(inline="always")(function))
