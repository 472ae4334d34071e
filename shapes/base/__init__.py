"""What everything stands on: the ends of integer ranges, persistent collections, lines of
the user's code.

Imports nothing of `shapes` but `shapes.errors`.
"""

from __future__ import annotations

from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.lazy import lazy_exports
from shapes.base.location import Location, SaidAt, is_internal, shown_file, user_location

__all__ = [
    "Bound",
    "IntInfinity",
    "Location",
    "SaidAt",
    "int_oo",
    "is_internal",
    "lazy_exports",
    "shown_file",
    "user_location",
]
