"""Secrets an instance makes for itself, kept readable by its owner only. Production sets its own instead."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_local_secret(data_dir: Path, name: str, value: str) -> None:
    """Put another value in the secret's place in one step."""
    folder = data_dir / "secrets"
    draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)


def local_secret(data_dir: Path, name: str) -> str:
    """The secret of that name, made on first use. Safe when several processes ask at the same moment."""
    folder = data_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails when another process was first: its value is the one everybody uses
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
