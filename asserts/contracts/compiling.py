"""The guard of a function as one Python function of the same parameters.

What it tests of arrays is their type and dtype (among those accepted before) and their shape:
the sizes are unpacked into local variables, names are computed from them, and all clauses are
one condition. Where anything fails, the slow way decides (`checking`), so the guard may refuse
too much, but never lets through what a clause forbids.

The text is made from our own nodes and from the names of the function's parameters, which
are identifiers; everything else is reached through names with our prefix.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asserts.annotations import Annotated, ArrayNote, Leaf, Note
from asserts.contracts.places import variadic_of
from asserts.contracts.seen import Seen
from asserts.contracts.system import System
from asserts.contracts.terms import Sizes, Terms
from asserts.errors import AnnotationError
from asserts.trace.holders import OWN
from shapes.env import Source, compiled_text
from shapes.expr import TRUE, Expr, symbol
from shapes.traversal import interpret

__all__ = ["PREFIX", "Ways", "compile_guard", "compile_sizes"]

PREFIX: Final = "_sp_"
_BUILTINS: Final = (type, int, isinstance, tuple, len, ArithmeticError, ValueError)
"""What guards use of Python's, by names that no parameter has."""
_ENGINES: Final = re.compile(r"_m|_math|_\d+")
"""Names in the code of expressions (see `shapes.env.codegen`)."""
_FOLDER: Final = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Ways:
    """What a guard calls: the `function` itself; `slowly` (with a dict of the arguments) where
    it is not sure; `leave` (result, shapes, integers) where it is not sure of the result; and
    for arrays that may be None, the guard without that one."""

    function: Callable[..., Any]
    slowly: Callable[[Mapping[str, Any]], Any]
    leave: Callable[[Any, Mapping[str, Any], Mapping[str, int]], Any]
    without: Callable[[str], Callable[..., Any]]
    seen: Seen


def compile_guard(
    terms: Terms, absent: frozenset[str], ways: Ways
) -> tuple[Callable[..., Any], str]:
    """The guard for calls in which those arrays are None, and its source."""
    return _Writer(terms, absent, ways).written()


SizesHold = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether clauses hold, for the shapes of arguments, integers, and the shapes of results."""


def compile_sizes(terms: Terms, absent: frozenset[str], at_exit: bool) -> SizesHold:
    """The clauses of the entry (or of the exit) as a function of shapes whose sizes may be any
    numbers of Python's kind: another framework's symbolic ones, which decide comparisons in
    their own way. Raises what these raise."""
    return _Writer(terms, absent, None).of_sizes(at_exit)


@dataclass
class _Writer:
    terms: Terms
    absent: frozenset[str]
    ways: Ways | None
    names: dict[str, Any] = field(default_factory=dict)
    """What the code uses besides Python's own."""
    locals: dict[Expr, str] = field(default_factory=dict)
    """The variable of every size and name."""
    values: dict[str, str] = field(default_factory=dict)
    """How code reaches the shape of every array."""
    shapes: dict[str, str] = field(default_factory=dict)
    """How code writes the shape of every array."""
    wholes: dict[str, str] = field(default_factory=dict)
    """The variable with the axes that a variadic name stands for."""

    def of_sizes(self, at_exit: bool) -> SizesHold:
        """See `compile_sizes`."""
        sizes, leaves = self.terms.fixed[self.absent], self.terms.leaves(self.absent)
        given = [f"{PREFIX}{what}" for what in ("shapes", "integers", "results")]
        own = {name: f"{PREFIX}i{i}" for i, name in enumerate(self.terms.integers)}
        lines = [f"{local} = {given[1]}[{name!r}]" for name, local in own.items()]
        self.locals.update({symbol(name, "int"): local for name, local in own.items()})
        self.values = {leaf.name: f"{given[0]}[{leaf.name!r}]" for leaf in leaves}
        body, condition = self._sizes(leaves, sizes.entry) or ([], "True")
        lines += body
        if at_exit and sizes.exit is not None:
            results = self.terms.notes.results
            self.values = {leaf.name: f"{given[2]}[{leaf.name!r}]" for leaf in results}
            body, condition = self._sizes(results, sizes.exit) or ([], "True")
            lines += body
        lines.append(f"return bool({condition})")
        file, parameters = _file(self.terms), ", ".join(given)
        return compiled_text(f"{PREFIX}sizes", parameters, lines, self.names, file)[0]

    def written(self) -> tuple[Callable[..., Any], str]:
        assert self.ways is not None
        notes, sizes = self.terms.notes, self.terms.fixed[self.absent]
        for parameter in notes.parameters:
            if parameter.name.startswith(PREFIX):
                raise AnnotationError(f"`{parameter.name}`: names with {PREFIX} are taken")
        self.names[OWN] = True
        self.names.update({f"{PREFIX}{one.__name__}": one for one in _BUILTINS})
        self.names[f"{PREFIX}function"] = self.ways.function
        self.names[f"{PREFIX}slowly"] = self.ways.slowly
        self.names[f"{PREFIX}leave"] = self.ways.leave
        slow = f"return {PREFIX}slowly({_dict(notes)})"
        lines = [*self._dispatch(), *self._entry(sizes, slow), *self._exit(sizes)]
        if self._is_shadowed(lines):
            lines = [slow]
        parameters = self._parameters()
        return compiled_text(
            f"{PREFIX}guard", parameters, lines, self.names, _file(self.terms)
        )

    def _is_shadowed(self, lines: Sequence[str]) -> bool:
        """Whether a parameter is called like something that the code of clauses uses: a
        function of Python's, or a module or a variable of the engine's."""
        text = "\n".join(lines)
        return any(
            _ENGINES.fullmatch(one.name) or re.search(rf"(?<![\w.]){one.name}\(", text)
            for one in self.terms.notes.parameters
        )

    # ---------------------------------------------------------------- parameters

    def _parameters(self) -> str:
        """The parameters as they stand in a definition, with their own defaults."""
        shown: list[str] = []
        kinds = [one.kind for one in self.terms.notes.parameters]
        for index, one in enumerate(self.terms.notes.parameters):
            text = one.name
            if one.kind is inspect.Parameter.VAR_POSITIONAL:
                text = f"*{text}"
            elif one.kind is inspect.Parameter.VAR_KEYWORD:
                text = f"**{text}"
            elif one.default is not inspect.Parameter.empty:
                self.names[f"{PREFIX}default_{one.name}"] = one.default
                text = f"{text}={PREFIX}default_{one.name}"
            before = kinds[index - 1] if index else None
            if one.kind is inspect.Parameter.KEYWORD_ONLY and before not in (
                inspect.Parameter.KEYWORD_ONLY,
                inspect.Parameter.VAR_POSITIONAL,
            ):
                shown.append("*")
            shown.append(text)
            after = kinds[index + 1] if index + 1 < len(kinds) else None
            if one.kind is inspect.Parameter.POSITIONAL_ONLY is not after:
                shown.append("/")
        return ", ".join(shown)

    def _call(self, function: str) -> str:
        return f"{function}({', '.join(map(_passed, self.terms.notes.parameters))})"

    def _dispatch(self) -> Iterable[str]:
        """Calls with an array that is None have a guard of their own."""
        for leaf in self.terms.leaves(self.absent):
            if leaf.note.optional:
                name = f"{PREFIX}without_{leaf.name}"
                assert self.ways is not None
                self.names[name] = self.ways.without(leaf.name)
                yield f"if {leaf.name} is None:"
                yield f"    return {self._call(name)}"

    # ---------------------------------------------------------------- entry and exit

    def _entry(self, sizes: Sizes, slow: str) -> list[str]:
        notes = self.terms.notes
        kinds: list[str] = []
        for one in notes.parameters:
            if one.note is not None and one.name not in self.absent:
                kinds += self._kinds(one.note, one.name, one.name)
        for name in self.terms.integers:
            kinds.append(f"{PREFIX}type({name}) is {PREFIX}int")
            self.locals[symbol(name, "int")] = name
        lines = [f"if not ({_all(kinds)}):", f"    {slow}"] if kinds else []
        tried = self._sizes(self.terms.leaves(self.absent), sizes.entry)
        if tried is None:
            return lines
        body, condition = tried
        return [
            *lines,
            "try:",
            *(f"    {line}" for line in body),
            f"    {PREFIX}held = {condition}",
            f"except ({PREFIX}ArithmeticError, {PREFIX}ValueError):",
            f"    {PREFIX}held = False",
            f"if not {PREFIX}held:",
            f"    {slow}",
        ]

    def _exit(self, sizes: Sizes) -> list[str]:
        call, notes = self._call(f"{PREFIX}function"), self.terms.notes
        if notes.result is None or sizes.exit is None:
            return [f"return {call}"]
        shapes = ", ".join(f"{name!r}: {text}" for name, text in self.shapes.items())
        integers = ", ".join(f"{name!r}: {name}" for name in self.terms.integers)
        result = f"{PREFIX}result"
        kinds = self._kinds(notes.result, "result", result)
        tried = self._sizes(notes.results, sizes.exit)
        body, condition = tried or ([], "True")
        return [
            f"{result} = {call}",
            f"if {_all(kinds)}:",
            "    try:",
            *(f"        {line}" for line in body),
            f"        if {condition}:",
            f"            return {result}",
            f"    except ({PREFIX}ArithmeticError, {PREFIX}ValueError):",
            "        pass",
            f"return {PREFIX}leave({result}, {{{shapes}}}, {{{integers}}})",
        ]

    # ---------------------------------------------------------------- kinds

    def _kinds(self, note: Note, name: str, code: str) -> list[str]:
        """The tests of the types and dtypes of a value."""
        if not isinstance(note, ArrayNote):
            is_tuple = f"{PREFIX}isinstance({code}, {PREFIX}tuple)"
            found = [f"{is_tuple} and {PREFIX}len({code}) == {len(note.parts)}"]
            for index, part in enumerate(note.parts):
                if part is not None:
                    found += self._kinds(part, f"{name}[{index}]", f"{code}[{index}]")
            return found
        assert self.ways is not None
        self.values[name] = f"{code}.shape"
        # (A traced array says that it is one of numpy's, so `isinstance` would not do.)
        types, dtypes = self.ways.seen.types[note.types], self.ways.seen.dtypes[note.dtypes]
        found = [f"{PREFIX}type({code}) in {self._named('types', types)}"]
        if note.dtypes.names is not None:
            found.append(f"{code}.dtype in {self._named('dtypes', dtypes)}")
        return found

    def _named(self, stem: str, value: object) -> str:
        """The name by which code reaches an object."""
        for name, held in self.names.items():
            if held is value and name.startswith(f"{PREFIX}{stem}"):
                return name
        name = f"{PREFIX}{stem}{len(self.names)}"
        self.names[name] = value
        return name

    # ---------------------------------------------------------------- sizes

    def _sizes(self, leaves: Sequence[Leaf], system: System) -> tuple[list[str], str] | None:
        """Lines that unpack and compute, and the condition; None if there is nothing to do."""
        own = {(p.leaf.name, p.axis): p.own for p in system.places}
        rests: dict[str, list[tuple[str, bool]]] = {}
        lines = [self._unpacked(leaf, own, rests) for leaf in leaves]
        source = Source(self.locals)
        memo: dict[Any, Any] = {}
        for named in system.names:
            text = interpret(source, {}, named.value, memo)
            if text.isidentifier():
                self.locals[named.name] = text
            else:
                variable = f"{PREFIX}n{len(self.locals)}"
                source.lines.append(f"{variable} = {text}")
                self.locals[named.name] = variable
        claims = dict.fromkeys(one.condition for one in system.every_clause())
        texts = [interpret(source, {}, c, memo) for c in claims if c is not TRUE]
        if not lines and not texts:
            return None
        more, equal = self._compared(rests)
        return [*lines, *more, *source.lines], _all([*equal, *texts])

    def _unpacked(
        self,
        leaf: Leaf,
        own: Mapping[tuple[str, int], Expr],
        rests: dict[str, list[tuple[str, bool]]],
    ) -> str:
        """The line that reads the shape of an array, and tests its rank; variables with the
        axes of variadic names enter `rests`, with whether they are broadcast."""
        axes, variadic = leaf.note.axes, variadic_of(leaf)
        parts: list[str] = []
        for index, axis in enumerate(axes):
            variable = f"{PREFIX}s{len(self.locals)}"
            if variadic is not None and index == variadic[0]:
                variable = f"{PREFIX}rest{len(self.shapes)}"
                if axis.size is not None:
                    rests.setdefault(axis.size, []).append((variable, axis.broadcast))
                parts.append(f"*{variable}")
                continue
            after = variadic is not None and index > variadic[0]
            self.locals[own[leaf.name, index - len(axes) if after else index]] = variable
            parts.append(variable)
        target = f"({', '.join(parts)},)" if parts else "()"
        self.shapes[leaf.name] = target
        return f"{target} = {self.values[leaf.name]}"

    def _compared(
        self, rests: Mapping[str, Sequence[tuple[str, bool]]]
    ) -> tuple[list[str], list[str]]:
        """That the axes of a variadic name are the same everywhere, or broadcast to them:
        lines that compute what they are, and conditions."""
        lines, conditions = [], []
        self.names[f"{PREFIX}spreads"], self.names[f"{PREFIX}whole"] = spreads, whole_of
        for name, variables in rests.items():
            exact = [variable for variable, broadcast in variables if not broadcast]
            spread = [variable for variable, broadcast in variables if broadcast]
            whole = self.wholes.get(name)
            if whole is not None:
                conditions += [f"{variable} == {whole}" for variable in exact]
            elif exact:
                whole = exact[0]
                conditions += [f"{variable} == {whole}" for variable in exact[1:]]
            else:
                whole = f"{PREFIX}whole{len(self.wholes)}"
                lines.append(f"{whole} = {PREFIX}whole({', '.join(spread)})")
                spread = []
            if spread:
                conditions.append(f"{PREFIX}spreads({whole}, {', '.join(spread)})")
            self.wholes[name] = whole
        return lines, conditions


def spreads(whole: Sequence[int], *shapes: Sequence[int]) -> bool:
    """Whether shapes can be broadcast to a whole one."""
    return all(
        len(shape) <= len(whole)
        and all(
            size in (1, wanted) for size, wanted in zip(reversed(shape), reversed(whole))
        )
        for shape in shapes
    )


def whole_of(*shapes: Sequence[int]) -> list[int]:
    """What shapes broadcast to: on every axis, counted from the end, the first size that is
    not 1. Raises `ValueError` if there are two."""
    longest = max(map(len, shapes))
    padded = [[1] * (longest - len(shape)) + [*shape] for shape in shapes]
    whole = [next((size for size in column if size != 1), 1) for column in zip(*padded)]
    if not spreads(whole, *shapes):
        raise ValueError("the shapes cannot be broadcast")
    return whole


def _file(terms: Terms) -> str:
    """Where the code of a contract is said to be: in a file of ours."""
    return os.path.join(_FOLDER, f"<the guard of {terms.notes.name}>")


def _all(conditions: Sequence[str]) -> str:
    return " and ".join(conditions) or "True"


def _passed(one: Any) -> str:
    """How a call passes a parameter on."""
    if one.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{one.name}"
    if one.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{one.name}"
    if one.kind is inspect.Parameter.KEYWORD_ONLY:
        return f"{one.name}={one.name}"
    return str(one.name)


def _dict(notes: Annotated) -> str:
    """The arguments as a dict."""
    return "{" + ", ".join(f"{one.name!r}: {one.name}" for one in notes.parameters) + "}"
