"""The command `plumbline`.

Exit codes: 0 done, 1 failed, 2 wrong usage or wrong settings.
"""

from __future__ import annotations

from app.cli.main import main

__all__ = ["main"]
