"""The tables, as SQLAlchemy declares them; `migrations` makes them."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import DateTime, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "Environment", "Job", "Key", "Program", "in_words", "now"]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def in_words(time: datetime | None) -> str | None:
    """A time as ISO 8601 (databases without time zones hold UTC)."""
    if time is None:
        return None
    return time.replace(tzinfo=time.tzinfo or timezone.utc).isoformat(timespec="milliseconds")


class Base(DeclarativeBase):
    """The tables of the service."""


class Key(Base):
    """An API key: the hash of it, whose it is, what it allows."""

    __tablename__ = "api_keys"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200), index=True)
    scopes: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class Environment(Base):
    """A saved environment; `version` counts its changes."""

    __tablename__ = "environments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(default=1)
    document: Mapped[str] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(String(32), default=None)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class Program(Base):
    """An uploaded program; its content is a file named by `digest`."""

    __tablename__ = "programs"

    owner: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    size: Mapped[int]
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class Job(Base):
    """Work on a program. `key` is the hash of what it depends on: the same key is the same
    answer."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_owner_key", "owner", "key"),
        Index("ix_jobs_state_created", "state", "created"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(64))
    verb: Mapped[str] = mapped_column(String(20))
    program: Mapped[str] = mapped_column(String(64))
    other: Mapped[str | None] = mapped_column(String(64), default=None)
    options: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    report: Mapped[str | None] = mapped_column(Text, default=None)
    result: Mapped[str | None] = mapped_column(String(64), default=None)
    result_kind: Mapped[str | None] = mapped_column(String(10), default=None)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    finished: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
