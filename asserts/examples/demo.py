"""``shapeproof demo``: a real program on a real text, from trace to a stopped run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

import asserts
from asserts.examples.pack_words import LONGEST, Ints, pack_words, word_arrays
from asserts.trace.sources import traced_from

__all__ = ["Demo", "run_demo"]


@dataclass(frozen=True)
class Demo:
    """What happened: the text, the program with its checks, its run on the text (`same` as
    plain numpy), its removal, and the error that `stopped` a run on a broken text."""

    source: str
    words: int
    characters: int
    checked: asserts.PassResult
    shape: tuple[int, ...]
    same: bool
    begin: str
    removed: int
    left: int
    glued: int
    stopped: str | None


def run_demo(path: str | None = None) -> Demo:
    """Trace, insert, run and remove, on a text (one of our own by default)."""
    codes, lengths = word_arrays(_text(path))
    program = traced_from("asserts.examples.pack_words:pack_words")
    checked = asserts.insert(program)
    expected = pack_words(codes, lengths)
    found = checked.graph_module(codes, lengths)
    removed = asserts.remove(checked.graph_module)
    glued, stopped = _broken(checked.graph_module, codes, lengths)
    return Demo(
        source=path or "sonnets.txt",
        words=len(lengths),
        characters=len(codes),
        checked=checked,
        shape=tuple(found[0].shape),
        same=all(np.array_equal(e, f) for e, f in zip(expected, found)),
        begin=_words(found[0][0], found[1][0]),
        removed=len(removed.report.with_outcome("removed")),
        left=len(removed.graph_module.graph.nodes),
        glued=glued,
        stopped=stopped,
    )


def _text(path: str | None) -> str:
    if path is not None:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    data = resources.files("asserts.examples") / "data" / "sonnets.txt"
    return data.read_text(encoding="utf-8")


def _words(characters: Ints, sizes: Ints, count: int = 6) -> str:
    rows = zip(characters[:count], sizes[:count])
    return " ".join("".join(map(chr, row[:size])) for row, size in rows)


def _broken(
    program: asserts.GraphModule, codes: Ints, lengths: Ints
) -> tuple[int, str | None]:
    """How many words were glued together into one that is too long, and what stopped it."""
    glued = lengths.copy()
    count = int(np.searchsorted(np.cumsum(glued), LONGEST, side="right")) + 1
    glued[0] = glued[:count].sum()
    glued[1:count] = 0
    try:
        program(codes, glued)
    except asserts.RuntimeAssertionError as error:
        return count, str(error)
    return count, None
