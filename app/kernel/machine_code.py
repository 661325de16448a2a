"""Compilation of functions with numba, kept on disk between processes.

numba notices a change in the file of a compiled function but not in the functions it calls, so the cache folder carries a digest
of all their sources: machine code of another version is never loaded. `NUMBA_CACHE_DIR` names the parent folder (an image that is
built with it starts warm); otherwise the user's cache folder is used, and without a writable one every process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as numba_config

Function = TypeVar("Function", bound=Callable[..., object])


class MachineCode:
    """The kept code of functions that are made from these source files."""

    def __init__(self, name: str, sources: Iterable[Path]) -> None:
        digest = hashlib.sha256()
        for source in sorted(sources):
            digest.update(source.name.encode())
            digest.update(source.read_bytes())
        self.version = f"{name}-{digest.hexdigest()[:16]}"

    @property
    def folder(self) -> Path:
        """Where the code of this version is kept."""
        parent = os.environ.get("NUMBA_CACHE_DIR")
        base = Path(parent) if parent else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumbline" / "numba"
        return base / self.version

    def compiled(self, function: Function, *, boundscheck: bool = False) -> Function:
        """Compile on first use and keep the result where that is possible; other threads run meanwhile."""
        dispatcher = numba.njit(nogil=True, boundscheck=boundscheck)(function)
        settings = cast("Any", numba_config)
        usual = settings.CACHE_DIR
        try:
            settings.CACHE_DIR = str(self.folder)
            dispatcher.enable_caching()
        except (RuntimeError, OSError):
            dispatcher = numba.njit(nogil=True, boundscheck=boundscheck)(function)
        finally:
            settings.CACHE_DIR = usual
        return cast("Function", dispatcher)
