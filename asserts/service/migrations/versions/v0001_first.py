"""Keys, environments, programs, jobs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _time(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=nullable, **more)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        _text("digest", 64, primary_key=True),
        _text("owner", 200, index=True),
        _text("scopes", 100),
        _time("created"),
    )
    op.create_table(
        "environments",
        _text("id", 32, primary_key=True),
        _text("owner", 200, index=True),
        _text("name", 200),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        _text("parent", 32, nullable=True),
        _time("created"),
        _time("changed"),
    )
    op.create_table(
        "programs",
        _text("owner", 200, primary_key=True),
        _text("digest", 64, primary_key=True),
        _text("name", 200),
        _text("kind", 10),
        sa.Column("size", sa.Integer, nullable=False),
        _time("created"),
    )
    _jobs()


def _jobs() -> None:
    op.create_table(
        "jobs",
        _text("id", 32, primary_key=True),
        _text("owner", 200),
        _text("key", 64),
        _text("verb", 20),
        _text("program", 64),
        _text("other", 64, nullable=True),
        sa.Column("options", sa.Text, nullable=False),
        _text("state", 10),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=True),
        sa.Column("report", sa.Text, nullable=True),
        _text("result", 64, nullable=True),
        _text("result_kind", 10, nullable=True),
        _time("created"),
        _time("finished", nullable=True),
    )
    op.create_index("ix_jobs_owner_key", "jobs", ["owner", "key"])
    op.create_index("ix_jobs_state_created", "jobs", ["state", "created"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("jobs", "programs", "environments", "api_keys"):
        op.drop_table(table)
