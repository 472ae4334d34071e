"""``shapeproof demo``: a real program on a real text, from trace to a stopped run."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

import asserts
from asserts.examples.pack_words import LONGEST, Ints, pack_words, word_arrays
from asserts.trace.sources import traced_from

__all__ = ["run_demo"]


def run_demo(path: str | None = None) -> int:
    """Trace, insert, run and remove, with what happens at each step; 0 if all went well."""
    text = _text(path)
    codes, lengths = word_arrays(text)
    print(f"{len(lengths)} words, {len(codes)} characters from {path or 'sonnets.txt'}\n")

    program = traced_from("asserts.examples.pack_words:pack_words")
    checked = asserts.insert(program)
    print(checked.report)
    print("\nthe graph with what was inserted:\n")
    print(checked.graph_module.print_readable(print_output=False))

    expected = pack_words(codes, lengths)
    found = checked.graph_module(codes, lengths)
    same = all(np.array_equal(e, f) for e, f in zip(expected, found))
    shape = " x ".join(map(str, found[0].shape))
    print(f"\non the real text: batches of {shape}, equal to plain numpy: {same}")
    print(f"the first batch begins: {_words(found[0][0], found[1][0])}")

    removed = asserts.remove(checked.graph_module)
    count = len(removed.report.with_outcome("removed"))
    left = len(removed.graph_module.graph.nodes)
    print(f"removed again: {count} asserts, {left} nodes left")

    stopped = _broken(checked.graph_module, codes, lengths)
    return 0 if same and stopped else 1


def _text(path: str | None) -> str:
    if path is not None:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    data = resources.files("asserts.examples") / "data" / "sonnets.txt"
    return data.read_text(encoding="utf-8")


def _words(characters: Ints, sizes: Ints, count: int = 6) -> str:
    rows = zip(characters[:count], sizes[:count])
    return " ".join("".join(map(chr, row[:size])) for row, size in rows)


def _broken(program: asserts.GraphModule, codes: Ints, lengths: Ints) -> bool:
    """Two words glued together into one that is too long; whether the graph stops it."""
    glued = lengths.copy()
    count = int(np.searchsorted(np.cumsum(glued), LONGEST, side="right")) + 1
    glued[0] = glued[:count].sum()
    glued[1:count] = 0
    print(f"\nwith the first {count} words glued together:")
    try:
        program(codes, glued)
    except asserts.RuntimeAssertionError as error:
        print(error)
        return True
    print("nothing stopped it")
    return False
