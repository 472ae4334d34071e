"""Justifications (truth maintenance: Doyle 1979): sets of facts, joined without copying.

What is learned rests on what was learned before, so reasons are joined at every step and
read only when a proof or an error names them. A join keeps its two parts; the facts in it
are collected once, at the first look. A chain of n equalities takes n small objects and
not n sets of up to n facts.

Guarantees: immutable to everyone outside; collecting does not recurse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shapes.facts.abstract_value import Fact

__all__ = ["NO_REASONS", "Reasons", "rests_on"]


class Reasons:
    """Facts that something rests on: a set, as `collections.abc.Set` has it."""

    __slots__ = ("_fact", "_facts", "_left", "_right")
    _fact: Fact | None
    _facts: frozenset[Fact] | None
    _left: Reasons | None
    _right: Reasons | None
    """One fact, or a set of them, or two parts, of which the first may be one fact; parts
    become a set."""

    def __init__(
        self,
        facts: Iterable[Fact] | None = (),
        fact: Fact | None = None,
        left: Reasons | None = None,
        right: Reasons | None = None,
    ) -> None:
        """A set of facts; from here, a fact, two parts, or a fact and the other part instead
        of these (None)."""
        self._fact = fact
        self._facts = None if facts is None else frozenset(facts)
        self._left = left
        self._right = right

    def __or__(self, other: object) -> Reasons:
        """Both; the same object where the other adds nothing that is seen at once."""
        if not isinstance(other, Reasons):
            other = Reasons(_facts_of(other))
        facts = other._facts
        if other is self or (facts is not None and not facts):
            return self
        # (Its parts first: they go after its facts are there, see `_collected`.)
        fact, right = self._fact, self._right
        facts = self._facts
        if facts is not None and not facts:
            return other
        if facts is None and fact is not None and right is None:
            return Reasons(None, fact, None, other)
        return Reasons(None, None, self, other)

    def __ror__(self, other: object) -> Reasons:
        return self.__or__(other)

    def __and__(self, other: object) -> Reasons:
        return Reasons(self.facts().intersection(_facts_of(other)))

    def __rand__(self, other: object) -> Reasons:
        return self.__and__(other)

    def __sub__(self, other: object) -> Reasons:
        return Reasons(self.facts().difference(_facts_of(other)))

    def __rsub__(self, other: object) -> Reasons:
        return Reasons(_facts_of(other).difference(self.facts()))

    def __xor__(self, other: object) -> Reasons:
        return Reasons(self.facts().symmetric_difference(_facts_of(other)))

    def __rxor__(self, other: object) -> Reasons:
        return self.__xor__(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AbstractSet):
            return False
        return self.facts() == _facts_of(other)

    def __le__(self, other: object) -> bool:
        return self.facts() <= _facts_of(other)

    def __lt__(self, other: object) -> bool:
        return self.facts() < _facts_of(other)

    def __ge__(self, other: object) -> bool:
        return self.facts() >= _facts_of(other)

    def __gt__(self, other: object) -> bool:
        return self.facts() > _facts_of(other)

    def isdisjoint(self, other: Iterable[object]) -> bool:
        """Whether no fact is in both."""
        return self.facts().isdisjoint(other)

    def union(self, *others: Reasons) -> Reasons:
        """All of them."""
        joined = self
        for other in others:
            joined = joined | other
        return joined

    def facts(self) -> frozenset[Fact]:
        """The facts themselves."""
        if self._facts is None:
            self._facts = self._collected()
            self._left = self._right = None
        return self._facts

    def _collected(self) -> frozenset[Fact]:
        found: set[Fact] = set()
        seen: set[int] = set()
        pending: list[Reasons] = [self]
        while pending:
            reasons = pending.pop()
            if id(reasons) in seen:
                continue
            seen.add(id(reasons))
            # Another thread may collect this one now: its facts come before its parts go.
            left, right = reasons._left, reasons._right
            if reasons._fact is not None:
                found.add(reasons._fact)
            if reasons._facts is not None:
                found |= reasons._facts
                continue
            if left is not None:
                pending.append(left)
            if right is not None:
                pending.append(right)
        return frozenset(found)

    def __bool__(self) -> bool:
        return self._facts is None or bool(self._facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts())

    def __len__(self) -> int:
        return len(self.facts())

    def __contains__(self, fact: object) -> bool:
        return fact in self.facts()

    def __hash__(self) -> int:
        return hash(self.facts())

    def __copy__(self) -> Reasons:
        return self

    def __deepcopy__(self, memo: object) -> Reasons:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Reasons, (tuple(self.facts()),)

    def __repr__(self) -> str:
        return f"Reasons({list(self.facts())!r})"


def rests_on(fact: Fact) -> Reasons:
    """Just this fact."""
    return Reasons(None, fact)


def _facts_of(other: object) -> frozenset[Any]:
    if isinstance(other, Reasons):
        return other.facts()
    if isinstance(other, AbstractSet):
        return frozenset(other)
    raise TypeError(f"a set of facts is wanted, not {type(other).__name__}")


AbstractSet.register(Reasons)


NO_REASONS: Final = Reasons()
