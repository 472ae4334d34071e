"""Where in the user's code something was said."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Final

from shapes.base.records import record

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "Location", "SaidAt", "is_internal", "said", "shown_file", "user_location",
]  # fmt: skip

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PACKAGES = tuple(
    os.path.join(_ROOT, name) + os.sep
    for name in ("shapes", "asserts", "shapeproof")
)
_EXAMPLES = os.path.join(_PACKAGES[1], "examples") + os.sep

_LIBRARIES: Final = (
    "numpy", "typing_extensions", "wrapt", "decorator", "beartype", "typeguard",
)  # fmt: skip
"""Packages whose frames stand between a person's line and ours: numpy calls us back, the
others wrap functions."""

_STANDARD: Final = os.path.join(os.path.dirname(os.__file__), "")
_INSTALLED: Final = tuple(
    f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages")
)


@record(frozen=True, slots=True)
class Location:
    """A line of code: file, line number, function. Without a line (0) it isn't a line of code,
    but what the file is called: an option of a command, say."""

    file: str
    line: int
    function: str

    @property
    def code(self) -> str:
        """The text of the line, empty if it cannot be read."""
        if not self.line:
            return ""
        import linecache  # (brings the tokenizer along)

        return linecache.getline(self.file, self.line).strip()

    def as_traceback(self) -> str:
        """The line in the form of Python's tracebacks."""
        if not self.line:
            return str(self)
        line = f'  File "{self.file}", line {self.line}, in {self.function}'
        return f"{line}\n    {self.code}" if self.code else line

    def __str__(self) -> str:
        if not self.line:
            return f"from {self.file}"
        code = self.code
        shown = f"{os.path.basename(self.file)}:{self.line} in {self.function}"
        return f"{shown}: {code}" if code else shown


_internal: dict[str, bool] = {}
"""The answers so far, for a statement asks about each file on its stack."""

FILES: Final = 10_000
"""How many answers are kept: names of generated code need never end."""


def is_internal(file: str) -> bool:
    """Whether a file is not a person's: part of Shapeproof (its examples count as user code),
    of numpy, of the standard library, or of a library that wraps functions."""
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
    if file.startswith("<frozen") or _is_compiled(file):
        return True
    if file.startswith(_STANDARD) and not any(part in file for part in _INSTALLED):
        return True
    return any(file.startswith(place) for place in _library_places())


def _is_compiled(file: str) -> bool:
    """Whether a file is a compiled module of the kernel: its frames name it from the root."""
    of_package = file.startswith((f"shapes{os.sep}", f"asserts{os.sep}"))
    return of_package and os.path.isfile(os.path.join(_ROOT, file))


def _library_places() -> list[str]:
    """The folders, or the only files, of those libraries that are there."""
    found = []
    for name in _LIBRARIES:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            package = os.path.basename(file) == "__init__.py"
            found.append(os.path.join(os.path.dirname(file), "") if package else file)
    return found


_said: ContextVar[tuple[Location, FrameType] | None] = ContextVar("said", default=None)


class SaidAt:
    """Within the block, what no line of a person's code below it says was said there.

    For who is asked by other means than code: a command states what its options say, and
    the lines of its caller have not said that.
    """

    def __init__(self, place: Location) -> None:
        self._place = place

    def __enter__(self) -> None:
        self._token: Token[tuple[Location, FrameType] | None] = _said.set(
            (self._place, sys._getframe(1))
        )

    def __exit__(self, *error: object) -> None:
        _said.reset(self._token)


def said() -> Location | None:
    """The place of the innermost block `SaidAt`, if there is one."""
    found = _said.get()
    return None if found is None else found[0]


def user_location() -> Location | None:
    """The innermost line on the stack that is a person's (see `is_internal`), or the place of
    the block `SaidAt` that is further in; None at top level."""
    place = _said.get()
    end = None if place is None else place[1]
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not end:
        code = frame.f_code
        internal = _internal.get(code.co_filename)
        if internal is None:
            internal = is_internal(code.co_filename)
        if not internal:
            return Location(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back
    return None if place is None or frame is None else place[0]


with suppress(ImportError):  # (it is part of the compiled build)
    from shapes._native import locator

    user_location = locator(_internal, Location, _said, user_location)


def shown_file(file: str) -> str:
    """A file as people know it: by its path below the current directory, else by the name of
    its module (``asserts.examples.demo``), else by its own name."""
    if not os.path.isabs(file):
        return file
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # it is gone
        here = ""
    if here and file.startswith(here) and not any(part in file for part in _INSTALLED):
        return file[len(here) :]
    return _module_name(file) or os.path.basename(file)


def _module_name(file: str) -> str | None:
    """The dotted name under which the file of a package can be imported. (Ours are found in
    other ways than by `sys.path`, too: editable installs have finders of their own.)"""
    stem, suffix = os.path.splitext(file)
    folders = [os.path.join(folder, "") for folder in (*sys.path, _ROOT) if folder]
    inside = [folder for folder in folders if file.startswith(folder)]
    if suffix != ".py" or not inside:
        return None
    parts = stem[len(max(inside, key=len)) :].split(os.sep)
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts).removesuffix(".__init__")
