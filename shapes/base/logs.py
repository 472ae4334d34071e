"""Named loggers that cost nothing until somebody listens.

Python's `logging` is not imported here: a program that has not imported it listens to nothing.
The loggers are ``shapeproof.facts`` and so on (`NAMES`), their messages are made when they are
wanted. ``SHAPEPROOF_LOGS=prove,+asserts`` in the environment of the process shows them on
standard error: a name at level INFO, with a plus at DEBUG, `all` for every one.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

__all__ = ["DEBUG", "INFO", "NAMES", "Log", "show_logs"]

DEBUG: Final = 10
INFO: Final = 20

NAMES: Final[dict[str, str]] = {
    "prove": "the verdict on every claim that is asked (INFO); the steps tried for it (DEBUG)",
    "facts": "every fact and every check that is stated (DEBUG)",
    "guards": "every branch that was decided by example sizes, and asserted (INFO)",
    "asserts": "what a pass did with every assert, and why (INFO)",
    "trace": "every node that is recorded (DEBUG)",
}
"""What each logger below ``shapeproof`` tells."""

VARIABLE: Final = "SHAPEPROOF_LOGS"

_MODULES: Final = sys.modules


class Log:
    """The logger ``shapeproof.NAME``."""

    __slots__ = ("_logger", "name")

    def __init__(self, name: str) -> None:
        self.name = f"shapeproof.{name}"
        self._logger: Any = None

    def listens(self, level: int) -> bool:
        """Whether somebody wants messages of that level."""
        logger = self._logger
        if logger is None:
            logging = _MODULES.get("logging")
            if logging is None or not hasattr(logging, "getLogger"):
                return False  # (or it is being imported)
            logger = self._logger = logging.getLogger(self.name)
        return bool(logger.isEnabledFor(level))

    def say(self, level: int, message: str, *args: object) -> None:
        """Log a message, whose arguments become text only if it is shown."""
        if self.listens(level):
            self._logger.log(level, message, *args)


def show_logs(wanted: str) -> None:
    """Show loggers on standard error, as ``SHAPEPROOF_LOGS`` says it; unknown names are told
    there."""
    import logging

    root = logging.getLogger("shapeproof")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    names = [word.strip() for word in wanted.split(",") if word.strip()]
    for word in names:
        name = word.lstrip("+")
        level = logging.DEBUG if word.startswith("+") else logging.INFO
        if name != "all" and name not in NAMES:
            known = ", ".join(NAMES)
            message = f"{VARIABLE}: there is no log {name!r} (but {known}, all)\n"
            sys.stderr.write(message)
            continue
        for one in NAMES if name == "all" else (name,):
            logger = root.getChild(one)
            # (What is told at DEBUG alone is told without a plus, too.)
            logger.setLevel(min(level, _LEAST.get(one, level)))
            logger.propagate = False
            logger.handlers[:] = [handler]


_LEAST: Final = {"facts": DEBUG, "trace": DEBUG}

if VARIABLE in os.environ:
    show_logs(os.environ[VARIABLE])
