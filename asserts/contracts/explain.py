"""Why a call breaks a contract, in its caller's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asserts.annotations import Annotated, Leaf, name_of_dtype
from asserts.contracts.places import Place, RankMismatchError
from asserts.contracts.system import Clause, Named
from asserts.errors import ContractError
from shapes.errors import ShapeproofError
from shapes.expr import Expr
from shapes.traversal import evaluate, free_symbols

__all__ = ["Explainer", "axes_text"]


@dataclass(frozen=True)
class Explainer:
    """Makes the errors of one call: of which function, and what its arguments were."""

    function: str
    arguments: Sequence[tuple[str, str]]
    """Every array and integer of the call, described."""

    # ---------------------------------------------------------------- kinds of values

    def wrong_type(self, leaf: Leaf, value: object) -> ContractError:
        """Not an array, or not of the right type."""
        kinds = " or ".join(map(_class_name, leaf.note.types)) or "an array"
        found = f"is {_article(_class_name(type(value)))}, not {kinds}"
        return self._error(f"{leaf.name} {found}", leaf, clause=kinds, found=type(value))

    def wrong_dtype(self, leaf: Leaf, dtype: object) -> ContractError:
        """An array of another dtype."""
        name, wanted = name_of_dtype(dtype), leaf.note.dtypes.described
        text = f"{leaf.name} is of dtype {name}, but must be {wanted}"
        return self._error(text, leaf, clause=wanted, found=name)

    def wrong_rank(
        self, mismatch: RankMismatchError, shape: Sequence[object]
    ) -> ContractError:
        """An array with another number of axes."""
        leaf, note = mismatch.leaf, mismatch.leaf.note
        if mismatch.others is None:
            fixed = sum(not axis.variadic for axis in note.axes)
            least = "at least " if fixed < len(note.axes) else ""
            wanted = f'"{note.text}" has {least}{fixed}'
        else:
            name = next(axis.text for axis in note.axes if axis.variadic)
            wanted = f"`{name}` has {axes_text(mismatch.others)} in the arrays before it"
        shown = ", ".join(map(str, shape))
        text = f"{leaf.name} has {axes_text(mismatch.rank)} [{shown}], but {wanted}"
        return self._error(text, leaf, clause=note.text, found=mismatch.rank)

    def wrong_tuple(self, name: str, wanted: int, value: object) -> ContractError:
        """Not a tuple, or not of the right length."""
        kind = type(value).__name__
        found = _article(kind)
        if isinstance(value, tuple):
            found = f"a tuple of {len(value)}"
        text = f"{name} is {found}, but must be a tuple of {wanted}"
        return self._error(text, name=name, clause=f"a tuple of {wanted}", found=kind)

    def wrong_integer(self, name: str, value: object) -> ContractError:
        """Not an integer."""
        text = f"{name} is {value!r}, but must be an integer"
        return self._error(text, name=name, clause="an integer", found=value)

    # ---------------------------------------------------------------- sizes

    def symbolic(self, notes: Annotated) -> ContractError:
        """A clause that symbolic sizes break: which one is not known."""
        texts = [f'{leaf.name} "{leaf.note.text}"' for leaf in (*notes.leaves, *notes.results)]
        text = f"symbolic sizes break the contract ({', '.join(texts)})"
        return self._error(text, clause="sizes")

    def broken(
        self, clause: Clause, values: Mapping[Expr, object], names: Sequence[Named]
    ) -> ContractError:
        """A clause that the sizes break; `values` are those of sizes and names so far."""
        place = clause.place
        if place is None:
            text = f"`{clause.text}` does not hold"
            fixed = _fixed(free_symbols(clause.condition), values, names)
            return self._error(_joined(text, fixed), clause=clause.text, found=False)
        found = values[place.own]
        # A name that only this place fixes is not to be explained by itself.
        own = {named.name for named in names if named.places == (place,)}
        values = {one: value for one, value in values.items() if one not in own}
        known = [] if clause.meant is None else free_symbols(clause.meant)
        text = f"{place.text} is {found}, {_wanted(clause, place.what.text, values)}"
        fixed = _fixed([one for one in known if one in values], values, names)
        return self._error(
            _joined(text, fixed),
            place.leaf,
            axis=place.axis,
            clause=place.what.text,
            found=found,
        )

    # ---------------------------------------------------------------- the error

    def _error(
        self,
        text: str,
        leaf: Leaf | None = None,
        *,
        name: str | None = None,
        axis: int | None = None,
        clause: str = "",
        found: object = None,
    ) -> ContractError:
        lines = [f"{self.function}: {text}"]
        if leaf is not None and leaf.note.text:
            note = leaf.note
            lines.append(f'  annotated: {leaf.name}: {note.dtypes.text} "{note.text}"')
        given = ", ".join(f"{arg} {what}" for arg, what in self.arguments)
        if given:
            lines.append(f"  given: {given}")
        argument = leaf.name if leaf is not None else name
        message = "\n".join(lines)
        return ContractError(message, self.function, argument, axis, clause, found)


def _joined(text: str, fixed: Sequence[str]) -> str:
    return f"{text} ({'; '.join(fixed)})" if fixed else text


def _class_name(kind: type) -> str:
    return kind.__name__.rpartition(".")[2]


def _article(noun: str) -> str:
    spoken = "e" if noun.startswith("nd") else noun[:1].lower()
    return f"{'an' if spoken in 'aeiou' else 'a'} {noun}"


def axes_text(count: int) -> str:
    """A number of axes."""
    return f"{count} {'axis' if count == 1 else 'axes'}"


def _wanted(clause: Clause, text: str, values: Mapping[Expr, object]) -> str:
    """What a size should have been, as far as the names in it are known."""
    meant = clause.meant
    unknown = [] if meant is None else [s.name for s in free_symbols(meant) if s not in values]
    if clause.kind == "defined":
        return f"but `{text}` has no value"
    if meant is None or unknown:
        in_turn = sorted(unknown, key=text.find)
        of = " and ".join(f"`{name}`" for name in in_turn) or "whatever its names are"
        return f"which is `{text}` for no size {of}"
    try:
        wanted = evaluate(meant, values)
    except ShapeproofError:
        return f"but `{text}` has no value"
    may = " or 1" if clause.kind == "broadcast" else ""
    return f"but must be {wanted}" if meant.is_constant else f"but `{text}` is {wanted}{may}"


def _fixed(
    symbols: Sequence[Expr], values: Mapping[Expr, object], names: Sequence[Named]
) -> list[str]:
    """Who fixed the values of names, in the order of the contract's names: that of the symbols
    of a normal form depends on which expressions were made before."""
    by_name: dict[Expr, Named] = {named.name: named for named in names}
    order = {name: place for place, name in enumerate(by_name)}
    lines = []
    for one in sorted(symbols, key=lambda s: (order.get(s, len(order)), s.name)):
        value = f"{one.name} = {values[one]}"
        named = by_name.get(one)
        if named is not None:
            value = f"{value} from {', '.join(_origin(p, one, values) for p in named.places)}"
        lines.append(value)
    return lines


def _origin(place: Place, name: Expr, values: Mapping[Expr, object]) -> str:
    """A place that fixes a name."""
    if place.what.size == name.name:
        return place.text
    return f"{place.text} = {values[place.own]}, which is `{place.what.text}`"
