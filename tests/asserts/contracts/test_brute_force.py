"""A guard accepts exactly the shapes for which sizes of the names exist: compared with the
definition, name by name and size by size."""

from __future__ import annotations

import itertools
import random
from functools import cache
from types import CodeType
from typing import Annotated, Any

import pytest

from asserts.contracts import contracted
from asserts.errors import AnnotationError, ContractError

LARGEST_NAME = 8
LARGEST_SIZE = 4


class Array:
    """Anything with a shape and a dtype."""

    dtype = "float32"

    def __init__(self, *shape: int) -> None:
        self.shape = shape


def function(*dims: str, where: tuple[str, ...] = (), result: str | None = None) -> Any:
    """A contracted function of arrays x0, x1, ...; returns its argument `out`."""
    source = {1: lambda x0, *, out=None: out, 2: lambda x0, x1, *, out=None: out,
              3: lambda x0, x1, x2, *, out=None: out}[len(dims)]  # fmt: skip
    notes = {f"x{i}": Annotated[Array, f"any[{text}]"] for i, text in enumerate(dims)}
    if result is not None:
        notes["return"] = Annotated[Array, f"any[{result}]"]
    source.__annotations__ = notes
    return contracted(source, where)


def sizes_of(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def names_in(texts: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for text in texts:
        for name in "abcn":
            if name in text:
                found[name] = None
    return list(found)


@cache
def _code(text: str) -> CodeType:
    return compile(text, "<size>", "eval")


def _value(text: str, names: dict[str, int]) -> int | None:
    try:
        return int(eval(_code(text), {}, names))
    except ZeroDivisionError:
        return None


def exists(dims: list[str], shapes: list[tuple[int, ...]], where: tuple[str, ...]) -> bool:
    """The definition."""
    pairs = [pair for text, shape in zip(dims, shapes) for pair in zip(sizes_of(text), shape)]
    axes = [(t, s) for t, s in pairs if t != "_"]
    exact = [(t, s) for t, s in axes if not t.startswith("#")]
    spread = [(t[1:], s) for t, s in axes if t.startswith("#")]
    plain = names_in([t for t, _ in exact])
    names = names_in([t.lstrip("#") for t, _ in axes] + list(where))
    fixed = {}
    for name in names:
        if name not in plain:
            fixed[name] = next((s for t, s in spread if t == name and s != 1), 1)
    free = [name for name in names if name not in fixed]
    for values in itertools.product(range(LARGEST_NAME + 1), repeat=len(free)):
        given = {**fixed, **dict(zip(free, values))}
        if (
            all(_value(t, given) == s for t, s in exact)
            and all(s in (1, given[t]) for t, s in spread)
            and all(_value(t, given) for t in where)
        ):
            return True
    return False


def compare(dims: list[str], where: tuple[str, ...] = (), every: int = 1) -> int:
    """Compare on all small shapes; how many were accepted."""
    guarded = function(*dims, where=where)
    ranks = [len(sizes_of(text)) for text in dims]
    accepted = 0
    points = itertools.product(range(LARGEST_SIZE + 1), repeat=sum(ranks))
    for number, point in enumerate(points):
        if number % every:
            continue
        rest = iter(point)
        shapes = [tuple(itertools.islice(rest, rank)) for rank in ranks]
        arrays = [Array(*shape) for shape in shapes]
        try:
            guarded(*arrays)
            ours = True
        except ContractError as error:
            ours = False
            assert error.function
        assert ours == exists(dims, shapes, where), (dims, where, shapes)
        assert ours == guarded.contract.accepts(*arrays), (dims, where, shapes)
        accepted += ours
    return accepted


CASES = [
    (["a b", "b 2*c"], ()),
    (["a//2, a//2", "a"], ()),
    (["a", "a//b", "b"], ()),
    (["2*a", "a+1"], ()),
    (["3*a+1, a"], ()),
    (["a+b, a-b"], ()),
    (["a+b", "a-b", "a"], ()),
    (["2*a+b", "a+b"], ()),
    (["a-1", "a+1"], ()),
    (["a-3", "2"], ()),
    (["a*b", "a"], ("a >= 1",)),
    (["a*b", "a, b"], ()),
    (["(a+1)*b", "a"], ()),
    (["#a", "#a"], ()),
    (["#a", "#a, a"], ()),
    (["#a", "#b", "a+1, b"], ()),
    (["#a, #b", "#b, #a"], ()),
    (["_, a", "_, a"], ()),
    (["2, a", "a, 2"], ()),
    (["a, b"], ("a < b", "b % 2 == 0")),
    (["a", "a%3"], ()),
    (["a", "b", "a%b"], ()),
    (["a, b, a*b"], ()),
    (["a*a", "a"], ()),
    (["a+b+c", "a+b", "b+c"], ()),
    (["a"], ("4 // a >= 2",)),
]


@pytest.mark.parametrize(("dims", "where"), CASES)
def test_the_guard_is_the_definition(dims: list[str], where: tuple[str, ...]) -> None:
    texts = [text if "," in text else text.replace(" ", ",") for text in dims]
    assert compare(texts, where) > 0


def _random_size(rng: random.Random) -> str:
    name, other = rng.choice("abc"), rng.choice("abc")
    number = rng.randint(1, 3)
    return rng.choice(
        [name, name, name, f"#{name}", f"{number}*{name}", f"{name}+{number}",
         f"{name}-{number}", f"{name}+{other}", f"{name}*{other}", f"{name}//{number}",
         f"{number}*{name}-{other}", f"{name}%{number + 1}", str(number), "_",
         f"({name}+{other})//2", f"{name}//{other}"]
    )  # fmt: skip


def _is_settled(dims: list[str]) -> bool:
    """Whether every name behind ``#`` either stands by itself, or nowhere else: otherwise
    which of two readings is meant depends on what can be solved."""
    axes = [t for text in dims for t in sizes_of(text)]
    for name in {t[1:] for t in axes if t.startswith("#")}:
        others = [t for t in axes if name in t and not t.startswith("#")]
        if others and name not in others:
            return False
    return True


@pytest.mark.parametrize("seed", range(12))
def test_random_contracts_are_the_definition_or_are_refused(seed: int) -> None:
    rng = random.Random(seed)
    solved = refused = 0
    while solved < 6:
        count = rng.choice([1, 2, 2, 3])
        dims = [", ".join(_random_size(rng) for _ in range(rng.choice([1, 2]))) for _ in range(count)]
        if sum(len(sizes_of(d)) for d in dims) > 4 or not _is_settled(dims):
            continue
        try:
            function(*dims)
        except AnnotationError as error:
            refused += 1
            assert "`" in str(error)
            continue
        solved += 1
        compare(dims, every=7)
    assert refused < 100


def test_what_is_refused_has_two_values_for_a_name() -> None:
    """A name that is refused is one that the sizes do not determine."""
    for dims, name in [
        (["a//2"], "a"), (["a+b"], "b"), (["a*b"], "a"), (["a*b", "a"], "b"),
        (["a%3"], "a"), (["a*a"], "a"), (["#a", "a//2", "#b"], None),
    ]:  # fmt: skip
        if name is None:
            function(*dims)
            continue
        with pytest.raises(AnnotationError, match=f"`{name}`"):
            function(*dims)


def test_the_result_is_what_the_arguments_say() -> None:
    guarded = function("a, 2*b", "b", result="a+b, c")
    for shape in itertools.product(range(4), repeat=5):
        x0, x1, out = Array(*shape[:2]), Array(shape[2]), Array(*shape[3:])
        fits = shape[1] == 2 * shape[2]
        right = shape[3] == shape[0] + shape[2]
        if fits and right:
            assert guarded(x0, x1, out=out) is out
            continue
        with pytest.raises(ContractError) as raised:
            guarded(x0, x1, out=out)
        assert raised.value.argument == ("x0" if not fits else "result")


RESTS = [
    (["*a, n", "*a, n"], "*a"),
    (["*#a, n", "*#a"], "*a, n"),
    (["*#a", "*a"], "*a"),
    (["*#a", "*#a"], "*#a"),
    (["..., n", "n, ..."], "..."),
    (["n, *a", "*a, n"], "*a, n"),
    (["*#a, #n", "*#a, #n"], "*a, n"),
]


def _fits_rests(patterns: list[str], shapes: list[tuple[int, ...]]) -> bool:
    """The definition for variadic axes: with names n and *a of sizes below 3."""
    options = [r for k in range(3) for r in itertools.product(range(3), repeat=k)]
    entry = list(zip(patterns[:-1], shapes[:-1]))

    def fits(pattern: str, shape: tuple[int, ...], n: int, rest: tuple[int, ...]) -> bool:
        parts = sizes_of(pattern)
        at = next((i for i, p in enumerate(parts) if p.startswith(("*", "..."))), None)
        if at is None:
            middle, fixed = (), list(zip(parts, shape))
            if len(parts) != len(shape):
                return False
        else:
            if len(shape) < len(parts) - 1:
                return False
            after = len(parts) - 1 - at
            middle = shape[at : len(shape) - after]
            fixed = list(zip(parts[:at], shape)) + (
                list(zip(parts[-after:], shape[-after:])) if after else []
            )
            if parts[at] == "*a" and middle != rest:
                return False
            if parts[at] == "*#a":
                if len(middle) > len(rest):
                    return False
                if any(m not in (1, r) for m, r in zip(middle[::-1], rest[::-1])):
                    return False
        return all(s == n or (p == "#n" and s == 1) for p, s in fixed)

    exact_n = any("n" in sizes_of(p) for p, _ in entry)
    exact_a = any("*a" in sizes_of(p) for p, _ in entry)
    uses_a = any("a" in p for p, _ in entry)
    uses_n = any("n" in p for p, _ in entry)
    found = [
        (n, rest)
        for n in range(3)
        for rest in options
        if all(fits(p, s, n, rest) for p, s in entry)
    ]
    # Behind # only, a name is the least that all broadcast to.
    if uses_n and not exact_n:
        found = [one for one in found if all((n, one[1]) not in found for n in _smaller_n(one[0]))]
    if uses_a and not exact_a:
        found = [one for one in found if all((one[0], r) not in found for r in _smaller(one[1]))]
    return any(fits(patterns[-1], shapes[-1], n, rest) for n, rest in found)


def _smaller_n(n: int) -> list[int]:
    return [] if n == 1 else [1]


def _smaller(rest: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What is nearer to (): ones instead of other sizes, fewer axes."""
    found = [rest[1:]] if rest else []
    for i, size in enumerate(rest):
        if size != 1:
            found.append((*rest[:i], 1, *rest[i + 1 :]))
    return found


@pytest.mark.parametrize(("dims", "result"), RESTS)
def test_variadic_axes_are_the_definition(dims: list[str], result: str) -> None:
    guarded = function(*dims, result=result)
    rng = random.Random(0)
    options = [r for k in range(4) for r in itertools.product(range(3), repeat=k)]
    accepted = 0
    for _ in range(4000):
        first = rng.choice(options[:13])
        shapes = [rng.choice([first, first[1:], rng.choice(options)]) for _ in range(3)]
        if any(len(s) > 2 for s in shapes):
            continue
        arrays = [Array(*s) for s in shapes]
        try:
            guarded(arrays[0], arrays[1], out=arrays[2])
            ours = True
        except ContractError:
            ours = False
        assert ours == _fits_rests([*dims, result], shapes), (dims, result, shapes)
        accepted += ours
    assert accepted > 20
