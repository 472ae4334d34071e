"""Annotations of arrays, read as data: which dtypes, which sizes, in whose words.

`axes` reads the text of sizes, `dtypes` says which dtypes are meant, `reading` takes an
annotation apart and `signature` a whole function. What the sizes mean together is solved
elsewhere (`contracts`). Imports `errors`, and the engine's grammar of names.

jaxtyping's annotations are recognised by what they have (``dim_str``, ``dtypes``,
``array_type``), so nothing here needs that package; ``Annotated[np.ndarray, "f4[n, 2*m]"]``
says the same without it.
"""

from __future__ import annotations

from asserts.annotations.axes import Axis, axes_of
from asserts.annotations.dtypes import Dtypes, name_of_dtype
from asserts.annotations.reading import ArrayNote, Note, TupleNote
from asserts.annotations.signature import (
    ATTRIBUTE,
    Annotated,
    Leaf,
    Parameter,
    Stated,
    annotated,
    leaves_of,
)

__all__ = [
    "ATTRIBUTE",
    "Annotated",
    "ArrayNote",
    "Axis",
    "Dtypes",
    "Leaf",
    "Note",
    "Parameter",
    "Stated",
    "TupleNote",
    "annotated",
    "axes_of",
    "leaves_of",
    "name_of_dtype",
]
