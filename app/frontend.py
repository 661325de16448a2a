"""The built front end: made once from the page sources, made again when they change. `python -m app.frontend`.

Building needs bun; running needs neither bun nor Node.js. This module imports no Reflex, so that the command starts fast.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB_DIR = Path(os.environ.get("REFLEX_WEB_WORKDIR") or ROOT / ".web").absolute()
BUN_VERSION = "1.4.4"
BUN_PATH = Path(os.environ.get("REFLEX_BUN_PATH") or ROOT / ".tools" / "node_modules" / ".bin" / "bun")
_STAMP = WEB_DIR / "build" / ".stamp"
_MANIFEST = ROOT / "reflex.lock" / "package.json"
_SHIPPED = ("build/client/index.html", "routes.json", "backend")
_PAGE_SOURCE = re.compile(r"^\s*(import reflex|from reflex|from app\.ui|from components|import components)\b", re.MULTILINE)


class FrontendError(Exception):
    """The front end cannot be built; the message is one line for the person at the terminal."""


def skips_compile() -> bool:
    """Whether this process serves a finished front end and never builds one."""
    return os.environ.get("__REFLEX_SKIP_COMPILE", "").lower() == "true"


def npm_registry() -> str:
    """The registry npm is configured to use on this machine; empty when npm is absent."""
    configured = os.environ.get("NPM_CONFIG_REGISTRY")
    if configured:
        return configured
    npm = shutil.which("npm")
    if npm is None:
        return ""
    answer = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    return answer.stdout.strip() if answer.returncode == 0 else ""


def source_stamp() -> str:
    """A digest of everything the built front end depends on: page sources and the lock of its packages."""
    return f"{_digest(_sources())} {_digest(_locks())}"


def _digest(paths: Iterator[Path]) -> str:
    digest = hashlib.sha256(f"reflex {version('reflex')}".encode())
    for path in sorted(paths):
        digest.update(f"\n{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _locks() -> Iterator[Path]:
    yield from (ROOT / "reflex.lock").glob("*")


def _sources() -> Iterator[Path]:
    yield ROOT / "rxconfig.py"
    yield from (path for path in (ROOT / "assets").rglob("*") if path.is_file())
    yield from (ROOT / "components").rglob("*.py")
    for path in (ROOT / "app").rglob("*.py"):
        # Contracts hold the choices that pages offer; everything else counts only when it makes a page or a state.
        if path.name in ("contracts.py", "ui_paths.py") or _PAGE_SOURCE.search(path.read_text()):
            yield path


def is_current() -> bool:
    """Whether the built front end belongs to the present sources."""
    complete = all((WEB_DIR / part).exists() for part in _SHIPPED)
    return complete and _STAMP.exists() and _STAMP.read_text() == source_stamp()


def ensure_built() -> None:
    """Build the front end when it is absent or older than its sources; FrontendError when that is not possible."""
    if is_current():
        return
    with _one_at_a_time():
        if not is_current():
            _build(ensure_bun())


def ensure_bun() -> Path:
    """A bun that can build the front end: configured, installed beside the sources, on the PATH, or installed now."""
    if BUN_PATH.exists():
        return BUN_PATH
    found = shutil.which("bun")
    if found and _bun_version(found) >= _parsed(BUN_VERSION):
        return Path(found)
    npm = shutil.which("npm")
    if npm is None:
        raise FrontendError("building the front end needs npm (or bun) and neither was found; install npm and try again")
    print(f"Installing bun {BUN_VERSION} into .tools ...", file=sys.stderr)  # noqa: T201
    command = [npm, "install", "--no-save", "--prefix", str(ROOT / ".tools"), f"bun@{BUN_VERSION}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    bun = ROOT / ".tools" / "node_modules" / ".bin" / "bun"
    if answer.returncode != 0 or not bun.exists():
        raise FrontendError(f"npm could not install bun: {_last_line(answer.stderr)}")
    return bun


def _bun_version(bun: str) -> tuple[int, ...]:
    answer = subprocess.run([bun, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return _parsed(answer.stdout.strip())


def _parsed(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _build(bun: Path) -> None:
    print("Building the front end (once per version; one to two minutes) ...", file=sys.stderr)  # noqa: T201
    environment = {**os.environ, "REFLEX_BUN_PATH": str(bun), "REFLEX_WEB_WORKDIR": str(WEB_DIR)}
    environment.pop("__REFLEX_SKIP_COMPILE", None)
    if registry := npm_registry():
        environment["NPM_CONFIG_REGISTRY"] = registry
    _STAMP.unlink(missing_ok=True)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    sources = _digest(_sources())  # what is changed while the build runs asks for another one
    manifest = _MANIFEST.read_text() if _MANIFEST.exists() else ""
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)  # noqa: S603
    if answer.returncode != 0 or not (WEB_DIR / _SHIPPED[0]).exists():
        story = WEB_DIR / "build.log"
        story.write_text(answer.stdout + answer.stderr)
        raise FrontendError(f"the front end could not be built ({_last_line(answer.stderr or answer.stdout)}); {story} tells more")
    _keep_layout(manifest)
    _STAMP.write_text(f"{sources} {_digest(_locks())}")  # the build itself may complete the lock


def _keep_layout(manifest: str) -> None:
    """Undo a mere change of white space in the committed manifest, so that a build leaves a clone as it was."""
    if manifest and _MANIFEST.exists() and json.loads(_MANIFEST.read_text()) == json.loads(manifest):
        _MANIFEST.write_text(manifest)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    WEB_DIR.mkdir(parents=True, exist_ok=True)
    with (WEB_DIR / ".build-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Entry of `python -m app.frontend`."""
    try:
        ensure_built()
    except FrontendError as error:
        print(f"plumbline: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
