"""Words of a text, packed into padded batches: an ordinary numpy program."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import asserts
from asserts.trace import Spec
from shapes import Dim

__all__ = ["pack_words", "word_arrays"]

LONGEST = 40
"""A word of more characters than that is an error in the text."""

ROWS = 16
"""Words in a batch; the last batch is filled up with empty rows."""

Ints = NDArray[np.int64]


@asserts.inputs(codes=Spec((Dim("n", min=1),), "int64"), lengths=Spec(("w",), "int64"))
def pack_words(codes: Ints, lengths: Ints) -> tuple[Any, Any]:
    """The words as ``(batches, ROWS, width)`` characters, 0 where there is none, and their
    lengths as ``(batches, ROWS)``.

    `codes` are the characters of all words one after the other, `lengths` how many belong to
    each word; empty words are left out.
    """
    total = int(lengths.sum())
    asserts.check(total == codes.shape[0], "the lengths do not add up to the text")
    kept = lengths[lengths > 0]
    rows = kept.shape[0]
    asserts.check(rows >= 1, "there is no word in the text")
    width = int(kept.max())
    asserts.check(width >= 1, "the width of a batch")
    asserts.check(width <= LONGEST, "a word is too long")

    column = np.arange(width)
    start = np.cumsum(kept) - kept
    inside = column[None, :] < kept[:, None]
    index = np.minimum(start[:, None] + column[None, :], codes.shape[0] - 1)
    characters = np.where(inside, codes[index], 0)

    batches = -(-rows // ROWS)
    missing = batches * ROWS - rows
    asserts.check(missing < ROWS, "no batch is empty")
    filled = np.pad(characters, ((0, missing), (0, 0)))
    sizes = np.pad(kept, (0, missing))
    return filled.reshape(batches, ROWS, width), sizes.reshape(batches, ROWS)


def word_arrays(text: str) -> tuple[Ints, Ints]:
    """The characters of the words of a text, and the words' lengths."""
    words = text.split()
    codes = np.array([ord(character) for word in words for character in word], np.int64)
    return codes, np.array([len(word) for word in words], np.int64)
