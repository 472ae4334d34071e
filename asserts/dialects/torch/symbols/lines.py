"""The line of a person's code that a node of torch's graphs was traced from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import torch
from torch import fx

from shapes.base import is_internal

__all__ = ["Traced", "line_of"]

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
_BESIDE: Final = (f"{os.sep}typing_extensions.py", f"{os.sep}contextlib.py")
"""Wrappers around functions of torch's, also in programs that were saved elsewhere."""


@dataclass(frozen=True)
class Traced:
    """A line with its code as it was when the program was traced: the file may be gone."""

    file: str
    line: int
    function: str
    code: str = ""

    def __str__(self) -> str:
        shown = f"{os.path.basename(self.file)}:{self.line} in {self.function}"
        return f"{shown}: {self.code}" if self.code else shown


def line_of(node: fx.Node) -> Traced | None:
    """The innermost line of the stack trace that is not torch's own (or, if all are, the
    innermost)."""
    trace = node.meta.get("stack_trace")
    if not isinstance(trace, str):
        return None
    found: list[Traced] = []
    for line in trace.splitlines():
        text = line.strip()
        if text.startswith('File "') and '", line ' in text:
            file, _, rest = text[6:].partition('", line ')
            number, _, function = rest.partition(", in ")
            if number.isdigit():
                found.append(Traced(file, int(number), function))
        elif found and not found[-1].code:
            found[-1] = Traced(found[-1].file, found[-1].line, found[-1].function, text)
    own = [one for one in found if not one.file.startswith(_TORCH)]
    own = [one for one in own if not (one.file.endswith(_BESIDE) or is_internal(one.file))]
    best = own or found
    return best[-1] if best else None
