"""What can be set about the service: where it listens, what it stores, what it allows."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

__all__ = ["Limits", "Settings", "default_folder", "is_loopback"]

MIB: Final = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one caller may cost. Times are seconds, sizes bytes."""

    question_seconds: float = 10.0
    question_memory: int = 1024 * MIB
    question_body: int = 1 * MIB
    question_workers: int = max(1, min(4, os.cpu_count() or 1))
    question_queue: int = 64
    """Questions that wait for a worker; one more is told to come again."""
    answer_size: int = 8 * MIB
    job_seconds: float = 300.0
    job_memory: int = 6144 * MIB
    job_workers: int = 1
    job_queue: int = 256
    """Jobs of all callers that wait."""
    job_attempts: int = 3
    """How often a job is begun before a crash counts as its answer."""
    program_size: int = 256 * MIB
    unpacked_size: int = 1024 * MIB
    """Bytes of an archive when unpacked."""
    uploads: int = 16
    """Uploads at a time."""
    upload_seconds: float = 300.0
    environment_size: int = 4 * MIB
    environments: int = 1000
    """Environments of one owner."""
    uses: int = 2000
    """Questions after which a worker is replaced, so that nothing grows without end."""
    rate: float = 100.0
    """Requests a second for each API key, on average; bursts of twice as many."""


@dataclass(frozen=True)
class Settings:
    """The service as it was started."""

    host: str = "127.0.0.1"
    port: int = 8000
    folder: Path = field(default_factory=lambda: default_folder())
    """Where uploaded programs and results are kept, and the database by default."""
    store: str | None = None
    """A URL of SQLAlchemy; None: a SQLite file in `folder`."""
    auth: Literal["auto", "on", "off"] = "auto"
    """Whether API keys are required; "auto": unless the host is a loopback address."""
    hosts: tuple[str, ...] = ()
    """Further names by which clients may call the service."""
    grace: float = 20.0
    """Seconds that running work may take when the service is stopped."""
    keep_days: float | None = None
    """Days after which jobs that have ended, and programs that no job is there of, are
    forgotten; None: never."""
    limits: Limits = field(default_factory=Limits)

    @property
    def keys_required(self) -> bool:
        """Whether a request needs an API key."""
        return self.auth == "on" or (self.auth == "auto" and not is_loopback(self.host))

    @property
    def store_url(self) -> str:
        """The URL of the database."""
        return self.store or f"sqlite:///{self.folder / 'shapeproof.sqlite3'}"


def default_folder() -> Path:
    """The user's own folder for data of programs."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "shapeproof"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
