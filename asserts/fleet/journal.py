"""What was done: one line of JSON for each distinct task, written as soon as it is known.

The journal is why a run goes on where the last one ended. A line that a crash has cut is
dropped when it is opened; a lock keeps a second run out of the folder.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from asserts.fleet.plan import FleetError, Plan, Row

__all__ = ["Journal"]

_OF_LIMITS: Final = {"time": "seconds", "memory": "memory"}
"""Failures that a higher limit may mend."""
_PASSING: Final = frozenset(("not-found", "state", "internal", "stopping", "full"))
"""Failures whose reason is not in the model."""


class Journal:
    """The rows of a folder, by the key of what was asked."""

    def __init__(self, folder: Path) -> None:
        """Open or begin it. Raises `FleetError` if another run has it open, and `OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / "journal.lock", folder)
        self._file = (folder / "journal.jsonl").open("a+b")
        self.rows: dict[str, Row] = dict(self._read())

    def _read(self) -> list[tuple[str, Row]]:
        self._file.seek(0)
        found: list[tuple[str, Row]] = []
        whole = 0
        for line in self._file:
            try:
                row: Row = json.loads(line[: line.index(b"\n")])
                found.append((str(row["key"]), row))
            except (ValueError, TypeError, KeyError):
                break  # (from here on it is damaged: those tasks are done again)
            whole += len(line)
        self._file.truncate(whole)
        return found

    def add(self, row: Row) -> None:
        """Keep a row, on the disk when this returns. Raises `OSError`."""
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.rows[row["key"]] = row

    def settles(self, plan: Plan, key: str, results: Path) -> bool:
        """Whether what is known of a task need not be found again: it is done, or it failed
        for a reason that lies in the model and the limits are not higher now."""
        row = self.rows.get(key)
        if row is None:
            return False
        if row["status"] == "done":
            saved = row["answer"].get("saved", False)
            return not saved or any(results.glob(f"{key}.*"))
        limit = _OF_LIMITS.get(row["failure"])
        if limit is not None:
            return bool(row["limits"][limit] >= getattr(plan, limit))
        return row["failure"] not in _PASSING

    def close(self) -> None:
        """Close it, and let others open it."""
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)


def _locked(path: Path, folder: Path) -> int | None:
    """A lock that ends with the process (None on systems without `fcntl`)."""
    with suppress(ImportError):
        import fcntl

        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise FleetError(f"{folder}: another run writes to it") from None
        return lock
    return None
