"""The command ``shapeproof``, on typer and rich, which nothing else here imports.

`app` puts the verbs together: `questions` (prove, bounds), `programs` (insert, remove,
minimise, report), `compare` (verify), `tour` (demo). A verb makes an `Answer` (in `answers`),
which is shown to people (`screen`, `tables`) or as JSON (`documents`) and has an exit code
(`exits`). What goes wrong is reported by `failures`. The engine is imported by the verbs that
need it, when they run.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process by default); the exit code,
    one of `asserts.cli.exits.Exit`."""
    from asserts.cli.app import run

    return run(arguments)
