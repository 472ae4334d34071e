"""Where in the user's code something was said."""

from __future__ import annotations

import os
import sys
from typing import Final

from shapes.base.records import record

__all__ = ["Location", "is_internal", "user_location"]

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PACKAGES = tuple(
    os.path.join(_ROOT, name) + os.sep
    for name in ("shapes", "asserts")
)
_EXAMPLES = os.path.join(_PACKAGES[1], "examples") + os.sep
_FOREIGN = (f"{os.sep}numpy{os.sep}",)


@record(frozen=True, slots=True)
class Location:
    """A line of code: file, line number, function."""

    file: str
    line: int
    function: str

    @property
    def code(self) -> str:
        """The text of the line, empty if it cannot be read."""
        import linecache  # (brings the tokenizer along)

        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        code = self.code
        shown = f"{os.path.basename(self.file)}:{self.line} in {self.function}"
        return f"{shown}: {code}" if code else shown


_internal: dict[str, bool] = {}
"""The answers so far, for a statement asks about each file on its stack."""

FILES: Final = 10_000
"""How many answers are kept: names of generated code need never end."""


def is_internal(file: str) -> bool:
    """Whether a file is part of Shapeproof (its examples count as user code) or numpy."""
    found = _internal.get(file)
    if found is None:
        found = _is_internal(file)
        if len(_internal) >= FILES:
            _internal.clear()
        _internal[file] = found
    return found


def _is_internal(file: str) -> bool:
    if file.startswith(_PACKAGES):
        return not file.startswith(_EXAMPLES)
    return file.startswith("<frozen") or any(part in file for part in _FOREIGN)


def user_location() -> Location | None:
    """The innermost line on the stack that is not Shapeproof's own; None at top level."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        internal = _internal.get(code.co_filename)
        if internal is None:
            internal = is_internal(code.co_filename)
        if not internal:
            return Location(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return None
