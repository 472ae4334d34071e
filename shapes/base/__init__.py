"""What everything stands on: the ends of integer ranges, persistent collections, lines of
the user's code.

Imports nothing of `shapes` but `shapes.errors`.
"""

from __future__ import annotations

from shapes.base.digits import excerpt
from shapes.base.foreign import as_integer, is_sympy
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.lazy import lazy_exports
from shapes.base.location import Location, SaidAt, is_internal, shown_file, user_location
from shapes.base.logs import DEBUG, INFO, Log
from shapes.base.pretty import shown_as_text
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
    "DEBUG",
    "INFO",
    "Bound",
    "IntInfinity",
    "Location",
    "Log",
    "SaidAt",
    "Schema",
    "anything",
    "as_integer",
    "either",
    "excerpt",
    "fields",
    "int_oo",
    "is_internal",
    "is_sympy",
    "lazy_exports",
    "listed",
    "mapping",
    "nullable",
    "read_document",
    "shown_as_text",
    "shown_file",
    "text",
    "user_location",
    "whole",
]
