"""What is kept: keys, environments, programs, jobs, in a database that SQLAlchemy knows.

Every method is one transaction; what it returns is detached from the session. The methods
block, so routes call them in threads. An owner sees only what is its own: every query names
the owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, create_engine, delete, event, exists, func, select, text, update
from sqlalchemy.engine import CursorResult, make_url
from sqlalchemy.orm import Session, sessionmaker

from asserts.service.tables import Environment, Job, Key, Program, now
from asserts.work.problems import ProblemError

__all__ = ["Store", "new_id"]

OPEN = ("queued", "running")


def new_id() -> str:
    """A name that nobody guesses."""
    return secrets.token_hex(16)


def is_id(name: str) -> bool:
    """Whether a text may be the name of anything here."""
    return name.isascii() and name.isalnum() and len(name) <= 64


class Store:
    """The database of one application."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() == "sqlite" and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(self.url, pool_pre_ping=True)
        if self.url.get_backend_name() == "sqlite":
            event.listen(self.engine, "connect", _sqlite_settings)
        self._session = sessionmaker(self.engine, expire_on_commit=False)

    def migrate(self) -> None:
        """Bring the schema up to date."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def ping(self) -> None:
        """Raises what SQLAlchemy does if the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    # ------------------------------------------------------------------ keys

    def add_key(self, digest: str, owner: str, scopes: frozenset[str]) -> None:
        with self._session.begin() as session:
            session.add(Key(digest=digest, owner=owner, scopes=",".join(sorted(scopes))))

    def key(self, digest: str) -> tuple[str, str] | None:
        """Owner and scopes of a key."""
        with self._session() as session:
            found = session.get(Key, digest)
            return None if found is None else (found.owner, found.scopes)

    def revoke_keys(self, owner: str) -> int:
        """Forget all keys of an owner; how many there were."""
        with self._session.begin() as session:
            return _rows(session, delete(Key).where(Key.owner == owner))

    # ------------------------------------------------------------------ environments

    def add_environment(
        self, owner: str, name: str, document: str, parent: str | None, most: int
    ) -> Environment:
        """A new environment. Raises `ProblemError` if the owner has too many."""
        with self._session.begin() as session:
            own = select(func.count()).select_from(Environment)
            if (session.scalar(own.where(Environment.owner == owner)) or 0) >= most:
                raise ProblemError("question", f"there are {most} environments already")
            made = Environment(
                id=new_id(), owner=owner, name=name, document=document, parent=parent
            )
            session.add(made)
        return made

    def environment(self, owner: str, name: str) -> Environment:
        """Raises `ProblemError` if there is none of that id."""
        with self._session() as session:
            return _environment(session, owner, name)

    def environments(self, owner: str, after: str | None, limit: int) -> Sequence[Environment]:
        """The latest first; those created before the one named `after`."""
        query = select(Environment).where(Environment.owner == owner)
        with self._session() as session:
            if after is not None:
                last = _environment(session, owner, after)
                query = query.where(
                    (Environment.created < last.created)
                    | ((Environment.created == last.created) & (Environment.id < last.id))
                )
            query = query.order_by(Environment.created.desc(), Environment.id.desc())
            return session.scalars(query.limit(limit)).all()

    def change_environment(
        self, owner: str, name: str, version: int, document: str
    ) -> Environment:
        """Replace the document if the version is still that. Raises `ProblemError`."""
        with self._session.begin() as session:
            same = (Environment.id == name) & (Environment.owner == owner)
            change = update(Environment).where(same & (Environment.version == version))
            values = {"document": document, "version": version + 1, "changed": now()}
            rows = _rows(session, change.values(values))
            found = _environment(session, owner, name)
            if not rows:
                raise _changed(found)
            return found

    def remove_environment(self, owner: str, name: str, version: int | None) -> None:
        """Raises `ProblemError` if it is not there or of another version."""
        with self._session.begin() as session:
            found = _environment(session, owner, name)
            same = (Environment.id == name) & (Environment.owner == owner)
            if version is not None:
                same &= Environment.version == version
            if not _rows(session, delete(Environment).where(same)):
                raise _changed(found)

    # ------------------------------------------------------------------ programs

    def add_program(
        self, owner: str, digest: str, name: str, kind: str, size: int
    ) -> Program:
        """A program; the one that is there if the content is the same."""
        with self._session.begin() as session:
            found = session.get(Program, (owner, digest))
            if found is None:
                found = Program(owner=owner, digest=digest, name=name, kind=kind, size=size)
                session.add(found)
            found.created = now()  # (what is sent again is kept for as long as anything new)
        return found

    def program(self, owner: str, digest: str) -> Program:
        """Raises `ProblemError` if there is none."""
        with self._session() as session:
            found = session.get(Program, (owner, digest)) if is_id(digest) else None
            if found is None:
                raise ProblemError("not-found", "there is no program of that id")
            return found

    def remove_program(self, owner: str, digest: str) -> list[str]:
        """Forget a program with the jobs on it; the contents that they had. Raises
        `ProblemError` if there is none, or a job on it has not ended."""
        with self._session.begin() as session:
            found = session.get(Program, (owner, digest)) if is_id(digest) else None
            if found is None:
                raise ProblemError("not-found", "there is no program of that id")
            on_it = (Job.program == digest) | (Job.other == digest)
            jobs = session.scalars(select(Job).where(Job.owner == owner, on_it)).all()
            waiting = sum(job.state in OPEN for job in jobs)
            if waiting:
                raise ProblemError("state", f"{waiting} jobs on it have not ended")
            for job in jobs:
                session.delete(job)
            session.delete(found)
            return [digest, *(job.result for job in jobs if job.result)]

    def expire(self, before: datetime) -> tuple[int, int]:
        """Forget jobs that ended before a time, and programs uploaded before it that have no
        jobs; how many of both."""
        used = exists().where(
            Job.owner == Program.owner,
            (Job.program == Program.digest) | (Job.other == Program.digest),
        )
        with self._session.begin() as session:
            old = delete(Job).where(Job.state.notin_(OPEN), Job.finished < before)
            jobs = _rows(session, old)
            unused = delete(Program).where(Program.created < before, ~used)
            return jobs, _rows(session, unused)

    def names(self, digest: str) -> bool:
        """Whether a program or a result, of any owner, has that content."""
        with self._session() as session:
            asked = select(
                exists().where(Program.digest == digest) | exists().where(Job.result == digest)
            )
            return bool(session.scalar(asked))

    # ------------------------------------------------------------------ jobs

    def add_job(self, owner: str, key: str, values: Mapping[str, object], most: int) -> Job:
        """The job with that key: one that is done or open, or a new one. Raises
        `ProblemError` ("busy") if too many are open."""
        with self._session.begin() as session:
            same = select(Job).where(Job.owner == owner, Job.key == key)
            same = same.where(Job.state.in_((*OPEN, "done"))).order_by(Job.created.desc())
            found = session.scalars(same.limit(1)).first()
            if found is not None:
                return found
            waiting = select(func.count()).select_from(Job).where(Job.state.in_(OPEN))
            if (session.scalar(waiting) or 0) >= most:
                after = {"Retry-After": "10"}
                raise ProblemError("busy", f"{most} jobs wait already", headers=after)
            made = Job(id=new_id(), owner=owner, key=key, **values)
            session.add(made)
        return made

    def job(self, owner: str | None, name: str) -> Job:
        """The job of that id (of any owner, for None). Raises `ProblemError`."""
        with self._session() as session:
            found = session.get(Job, name) if is_id(name) else None
            if found is None or owner not in (None, found.owner):
                raise ProblemError("not-found", "there is no job of that id")
            return found

    def remove_job(self, owner: str, name: str) -> list[str]:
        """Forget a job that has ended; the content of its result. Raises `ProblemError`."""
        with self._session.begin() as session:
            found = session.get(Job, name) if is_id(name) else None
            if found is None or found.owner != owner:
                raise ProblemError("not-found", "there is no job of that id")
            if found.state in OPEN:
                raise ProblemError("state", f"the job is {found.state}")
            session.delete(found)
            return [found.result] if found.result else []

    def take_job(self) -> Job | None:
        """The oldest job that waits, which is running from now on."""
        with self._session.begin() as session:
            query = select(Job).where(Job.state == "queued").order_by(Job.created, Job.id)
            for found in session.scalars(query.limit(5)).all():
                mine = update(Job).where(Job.id == found.id, Job.state == "queued")
                attempts = found.attempts + 1
                if _rows(session, mine.values(state="running", attempts=attempts)):
                    session.refresh(found)
                    return found
        return None

    def end_job(self, name: str, state: str, **values: object) -> bool:
        """Put a running (or waiting) job into its last state; whether it was open."""
        with self._session.begin() as session:
            mine = update(Job).where(Job.id == name, Job.state.in_(OPEN))
            return bool(_rows(session, mine.values(state=state, finished=now(), **values)))

    def requeue_job(self, name: str) -> None:
        """A running job waits again; the attempt does not count."""
        with self._session.begin() as session:
            mine = update(Job).where(Job.id == name, Job.state == "running")
            session.execute(mine.values(state="queued", attempts=Job.attempts - 1))

    def recover_jobs(self, attempts: int, problem: str) -> tuple[int, int]:
        """Jobs that a crash left running wait again; those that were begun too often have
        failed with `problem`. How many of both."""
        left = update(Job).where(Job.state == "running")
        with self._session.begin() as session:
            worn = left.where(Job.attempts >= attempts)
            failed = _rows(
                session, worn.values(state="failed", problem=problem, finished=now())
            )
            return _rows(session, left.values(state="queued")), failed


def _rows(session: Session, statement: Any) -> int:
    """The rows that a statement has changed."""
    options = {"synchronize_session": False}
    result = cast("CursorResult[Any]", session.execute(statement, execution_options=options))
    return result.rowcount


def _environment(session: Session, owner: str, name: str) -> Environment:
    found = session.get(Environment, name) if is_id(name) else None
    if found is None or found.owner != owner:
        raise ProblemError("not-found", "there is no environment of that id")
    return found


def _changed(found: Environment) -> ProblemError:
    now_at = {"version": found.version}
    return ProblemError("changed", f"it is at version {found.version} now", now_at)


def _sqlite_settings(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
