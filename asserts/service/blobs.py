"""Contents of programs and results: files named by the SHA-256 of what is in them.

A file is written beside its place and moved there when it is whole and on the disk, so that
half of one is never seen. Names of users are never paths.

A content may be that of several programs and results. It is removed when no row of the store
names it; one that was taken in is pinned until its scratch folder is gone, and by then its row
is there.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from asserts.files import digest_of
from asserts.work.problems import ProblemError

__all__ = ["Blobs", "Upload"]


class Upload:
    """A content on its way in: where it is meanwhile, its digest and size."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = ""
        self.size = 0


class Blobs:
    """The contents of one application."""

    def __init__(self, folder: Path) -> None:
        self._contents = folder / "contents"
        self._meanwhile = folder / "meanwhile"
        self._lock = threading.Lock()
        self._pins: dict[Path, set[str]] = {}
        """Digests by the scratch folder that they came from."""
        shutil.rmtree(self._meanwhile, ignore_errors=True)  # what a crash has left
        for made in (self._contents, self._meanwhile):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for as long as the block lasts."""
        folder = self._meanwhile / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            self._pins.pop(folder, None)
            shutil.rmtree(folder, ignore_errors=True)

    async def receive(self, chunks: AsyncIterator[bytes], path: Path, most: int) -> Upload:
        """Write what arrives. Raises `ProblemError` for more than `most` bytes."""
        upload = Upload(path)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            async for chunk in chunks:
                upload.size += len(chunk)
                if upload.size > most:
                    raise ProblemError("too-large", f"at most {most} bytes are taken")
                digest.update(chunk)
                await run_in_threadpool(file.write, chunk)
        upload.digest = digest.hexdigest()
        return upload

    def keep(self, path: Path, digest: str | None = None) -> str:
        """Take in a file of a scratch folder; its digest. The content stays at least until
        that folder is gone. Raises `OSError`."""
        digest = digest or digest_of(path)
        place = self.path(digest)
        with self._lock:
            self._pins.setdefault(path.parent, set()).add(digest)
            there = place.exists()
        if not there:
            place.parent.mkdir(exist_ok=True, mode=0o700)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(path, place)
            _sync(place.parent)
        return digest

    def digests(self) -> Iterator[str]:
        """All contents that there are."""
        for place in self._contents.glob("??/*"):
            yield place.name

    def remove(self, digest: str, is_named: Callable[[str], bool]) -> bool:
        """Remove a content unless it is pinned or `is_named` by a row; whether that was done.
        Raises `OSError`, and what `is_named` raises."""
        with self._lock:
            if any(digest in pins for pins in list(self._pins.values())) or is_named(digest):
                return False
            self.path(digest).unlink(missing_ok=True)
            return True

    def path(self, digest: str) -> Path:
        """Where the content with that digest is."""
        assert len(digest) == 64
        assert digest.isalnum()
        return self._contents / digest[:2] / digest

    def linked(self, digest: str, folder: Path, name: str) -> Path:
        """The content under a name of ours in a folder of ours. Raises `ProblemError` if it
        is gone."""
        place = folder / name
        try:
            os.symlink(self.path(digest).resolve(strict=True), place)
        except FileNotFoundError:
            raise ProblemError("not-found", "the content of the program is gone") from None
        return place


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
