"""The embedded ClickHouse engine: one owner process per folder, a few handles that work side by side."""

from __future__ import annotations

import fcntl
import re
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import chdb

from app.eventstore.address import HANDOVER_FOLDER
from app.eventstore.statement import Insert, Query

_ERROR_CODE = re.compile(r"Code: (\d+)")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNKNOWN_EXCEPTION = 1002
_BAD_ARGUMENTS = 36
_NO_FILE = 107
_DEFAULT_DATABASE = "default"


class EngineError(Exception):
    """The engine's own refusal, with ClickHouse's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class EngineNotOpened(Exception):
    """The engine cannot work on its folder; the text says why as far as it is known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Encoded rows and the counts of one statement."""

    data: bytes
    output_format: str | None
    read_rows: int
    written_rows: int
    elapsed_ns: int


class Engine:
    """Runs statements on a pool of threads, each with its own handle. Safe to use from any thread.

    Rows to insert rest in nameless files in `inbox`, or in its folder `handover` where a client has laid them. A relative `path`
    and `config_file` are read from the current folder, which keeps the data folder's name out of the connection text, where
    some characters have a meaning.
    """

    def __init__(self, path: str, config_file: str, inbox: Path, *, workers: int) -> None:
        self._path = Path(path)
        self._connection_string = f"{path}?config-file={config_file}"
        self._inbox = inbox
        self._handover = inbox / HANDOVER_FOLDER
        self._local = threading.local()
        self._handles: list[_Handle] = []
        try:
            self._open()  # holds the folder's lock for the life of the process
        except RuntimeError as error:
            raise EngineNotOpened("in use by another process" if _is_locked(self._path) else str(error)) from error
        self.executor = ThreadPoolExecutor(workers, thread_name_prefix="engine")

    def run(
        self, statement: Query | Insert, *, database: str | None, settings: Mapping[str, str], parameters: Mapping[str, str]
    ) -> Answer:
        """Run one statement to its end; call it on the executor. Raises EngineError."""
        handle = self._prepared(database or _DEFAULT_DATABASE, settings)
        if isinstance(statement, Insert):
            return self._insert(handle, statement, parameters)
        result = handle.query(statement.sql, statement.output_format, parameters)
        return Answer(
            data=result.bytes() or b"",
            output_format=statement.output_format,
            read_rows=result.rows_read(),
            written_rows=result.rows_written(),
            elapsed_ns=int(result.elapsed() * 1e9),
        )

    def close(self) -> None:
        """Let running statements end, then close the folder."""
        self.executor.shutdown(wait=True)
        for handle in self._handles:
            handle.close()
        self._handles.clear()

    def _prepared(self, database: str, settings: Mapping[str, str]) -> _Handle:
        """This thread's handle with exactly these settings. Read-only ones have their own: `readonly` cannot be taken back."""
        slot = "reader" if settings.get("readonly", "0") != "0" else "handle"
        handle: _Handle | None = getattr(self._local, slot, None)
        if handle is not None and slot == "reader" and not handle.stands_at(database, settings):
            self._drop(slot, handle)
            handle = None
        if handle is None:
            handle = self._open()
            setattr(self._local, slot, handle)
        try:
            handle.prepare(database, settings)
        except EngineError:
            self._drop(slot, handle)  # half-applied settings must not reach the next statement
            raise
        return handle

    def _drop(self, slot: str, handle: _Handle) -> None:
        setattr(self._local, slot, None)
        self._handles.remove(handle)
        handle.close()

    def _open(self) -> _Handle:
        handle = _Handle(self._connection_string)
        self._handles.append(handle)
        return handle

    def _insert(self, handle: _Handle, insert: Insert, parameters: Mapping[str, str]) -> Answer:
        # Rows go through a file: as text behind the statement the engine would read a blank line as its end and the
        # rest as SQL. The file is named by its descriptor, because the engine takes {}, * and ? of a path for
        # wildcards and answers with no rows and no error when nothing matches.
        with self._rows_file(insert) as file:
            result = handle.query(
                f"{insert.target} FROM INFILE '/dev/fd/{file.fileno()}' COMPRESSION 'none' "
                f"{insert.settings} FORMAT {insert.input_format}",
                "TabSeparated",
                parameters,
            )
        # Rows read from the file are the rows of the table; `rows_written` counts those of materialized views as well.
        rows = result.rows_read()
        return Answer(data=b"", output_format=None, read_rows=rows, written_rows=rows, elapsed_ns=int(result.elapsed() * 1e9))

    def _rows_file(self, insert: Insert) -> IO[bytes]:
        if insert.file:
            try:
                return (self._handover / insert.file).open("rb")
            except OSError as error:
                raise EngineError(_NO_FILE, f"Code: {_NO_FILE}. DB::Exception: {error.strerror}. (FILE_DOESNT_EXIST)") from None
        file = tempfile.TemporaryFile(dir=self._inbox)  # noqa: SIM115 - the caller closes it
        file.write(insert.data)
        file.flush()
        file.seek(0)
        return file


class _Handle:
    """One connection that remembers its session settings, so that equal requests cost no SET at all."""

    def __init__(self, connection_string: str) -> None:
        self._connection: Any = chdb.connect(connection_string)  # type: ignore[no-untyped-call]
        self._settings: dict[str, str] = {}
        self._database = _DEFAULT_DATABASE

    def stands_at(self, database: str, settings: Mapping[str, str]) -> bool:
        """Whether nothing would have to be changed for these."""
        return database == self._database and settings == self._settings

    def prepare(self, database: str, settings: Mapping[str, str]) -> None:
        """Give the next statement this database and exactly these settings."""
        for name in (database, *settings):
            if not _IDENTIFIER.fullmatch(name):
                raise EngineError(_BAD_ARGUMENTS, f"Code: {_BAD_ARGUMENTS}. DB::Exception: {name!r} is no identifier")
        if database != self._database:
            self.query(f"USE `{database}`", "TabSeparated", {})
            self._database = database
        if settings == self._settings:
            return
        changes = [f"{name} = DEFAULT" for name in self._settings if name not in settings]
        last = sorted(settings.items(), key=lambda item: item[0] == "readonly")  # nothing can be set after it
        changes += [f"{name} = {_quoted(value)}" for name, value in last if self._settings.get(name) != value]
        self.query("SET " + ", ".join(changes), "TabSeparated", {})
        self._settings = dict(settings)

    def query(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> Any:
        """The engine's result object; EngineError for its refusals."""
        try:
            return self._connection.query(sql, output_format, params=dict(parameters))
        except Exception as error:  # noqa: BLE001 - the binding has several error classes and publishes none of them
            text = str(error)
            match = _ERROR_CODE.search(text)
            start = max(text.find("Code: "), 0)
            raise EngineError(int(match[1]) if match else _UNKNOWN_EXCEPTION, text[start:]) from None

    def close(self) -> None:
        self._connection.close()


def _is_locked(path: Path) -> bool:
    """Whether somebody holds the engine's own lock; the engine reports that and other faults with the same error."""
    try:
        with (path / "status").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
