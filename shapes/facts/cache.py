"""Answers that are kept with facts: one typed part for each kind, with a limit of its own.

Facts are immutable, so an answer stays right for as long as they live, and new facts begin
with no answers. The module that makes a kind of answers owns its `Part`; a part that has
grown beyond its limit is emptied, and no other with it. What is kept never decides how a
question is answered, only how soon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from shapes.facts.store import Facts

__all__ = ["Part"]

K = TypeVar("K")
V = TypeVar("V")


class Part(Generic[K, V]):
    """One kind of answers: a mapping for each set of facts, with no more than `limit` entries
    when it is next read."""

    __slots__ = ("limit", "name")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit

    def __repr__(self) -> str:
        return f"<Part {self.name}: {self.limit}>"

    def of(self, facts: Facts) -> dict[K, V]:
        """The answers that are kept with these facts, to read and to write."""
        found: dict[Any, Any] | None = facts.cache.get(self)
        if found is None:
            found = facts.cache[self] = {}
        elif len(found) > self.limit:
            found.clear()
        return found
