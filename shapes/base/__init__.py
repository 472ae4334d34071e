"""What everything stands on: the ends of integer ranges, persistent collections, lines of
the user's code.

Imports nothing of `shapes` but `shapes.errors`.
"""

from __future__ import annotations

from shapes.base.digits import excerpt
from shapes.base.foreign import as_integer
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.lazy import lazy_exports
from shapes.base.location import Location, SaidAt, is_internal, shown_file, user_location
from shapes.base.schema import (
    Schema,
    anything,
    either,
    fields,
    listed,
    mapping,
    nullable,
    read_document,
    text,
    whole,
)

__all__ = [
    "Bound",
    "IntInfinity",
    "Location",
    "SaidAt",
    "Schema",
    "anything",
    "as_integer",
    "either",
    "excerpt",
    "fields",
    "int_oo",
    "is_internal",
    "lazy_exports",
    "listed",
    "mapping",
    "nullable",
    "read_document",
    "shown_file",
    "text",
    "user_location",
    "whole",
]
