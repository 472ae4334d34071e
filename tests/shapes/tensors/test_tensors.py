"""Shape functions against numpy, by enumeration of small sizes.

Every case is a function of sizes, once for shapes (on symbols) and once for numpy. For all
values of the sizes, the needs hold exactly where numpy accepts, and then the shapes agree;
the same with constants in place of symbols, and with an oracle that knows what holds on the
whole domain of sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from shapes import tensors
from shapes.expr.nodes import FALSE, Expr, as_expr, symbol
from shapes.tensors import ShapeError, ShapeResult
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols

SIZES = (0, 1, 2, 3)
SIGNED = (-4, -2, -1, 0, 1, 3)


class Case(NamedTuple):
    name: str
    symbolic: Callable[..., ShapeResult | Sequence[ShapeResult]]
    concrete: Callable[..., Any]
    domains: tuple[tuple[int, ...], ...]


def ones(*shape: int) -> np.ndarray[Any, Any]:
    return np.ones(shape)


def sized(count: int, values: tuple[int, ...] = SIZES) -> tuple[tuple[int, ...], ...]:
    return (values,) * count


def _binary(
    name: str, symbolic: Any, concrete: Any, left: int, right: int, **options: Any
) -> Case:
    return Case(
        f"{name}_{left}d_{right}d",
        lambda *d: symbolic(d[:left], d[left:], **options),
        lambda *d: concrete(ones(*d[:left]), ones(*d[left:])),
        sized(left + right),
    )


def _einsum(subscripts: str, *ranks: int) -> Case:
    def shapes(d: Sequence[Any]) -> list[Sequence[Any]]:
        rest = iter(d)
        return [[next(rest) for _ in range(rank)] for rank in ranks]

    return Case(
        f"einsum_{subscripts}",
        lambda *d: tensors.einsum(subscripts, shapes(d)),
        lambda *d: np.einsum(subscripts, *[ones(*s) for s in shapes(d)]),
        sized(sum(ranks), (0, 1, 3) if sum(ranks) > 4 else SIZES),
    )


def _reduction(axis: Any, keepdims: bool) -> list[Case]:
    return [
        Case(
            f"{name}_{axis}_{keepdims}",
            partial(_reduced, name == "max", axis, keepdims),
            partial(_reduced_by_numpy, getattr(np, name), axis, keepdims),
            sized(3),
        )
        for name in ("sum", "max")
    ]


def _reduced(needs_elements: bool, axis: Any, keepdims: bool, *d: Any) -> ShapeResult:
    return tensors.reduce(d, axis, keepdims, needs_elements)


def _reduced_by_numpy(function: Any, axis: Any, keepdims: bool, *d: int) -> Any:
    return function(ones(*d), axis=axis, keepdims=keepdims)


def _slice(name: str, symbolic: Any, concrete: Any, bounds: int) -> Case:
    domains = ((0, 1, 2, 5), *sized(bounds, (-7, -3, -1, 0, 1, 3, 6)))
    return Case(
        f"slice_{name}", lambda n, *b: symbolic(n, *b), lambda n, *b: concrete(ones(n), *b),
        domains,
    )  # fmt: skip


def _plain(name: str, domains: Any, symbolic: Any, concrete: Any) -> Case:
    return Case(name, symbolic, concrete, domains)


T = tensors
CASES = [
    _binary("broadcast", T.broadcast, np.add, 1, 1),
    _binary("broadcast", T.broadcast, np.add, 2, 2),
    _binary("broadcast", T.broadcast, np.add, 1, 3),
    _binary("matmul", T.matmul, np.matmul, 1, 1),
    _binary("matmul", T.matmul, np.matmul, 2, 1),
    _binary("matmul", T.matmul, np.matmul, 1, 3),
    _binary("matmul", T.matmul, np.matmul, 2, 2),
    _binary("matmul", T.matmul, np.matmul, 3, 2),
    _binary("dot", T.dot, np.dot, 1, 1),
    _binary("dot", T.dot, np.dot, 2, 2),
    _binary("dot", T.dot, np.dot, 3, 1),
    _binary("dot", T.dot, np.dot, 0, 2),
    _binary("dot", T.dot, np.dot, 1, 3),
    _binary("inner", T.inner, np.inner, 2, 2),
    _binary("inner", T.inner, np.inner, 0, 2),
    _binary("tensordot1", T.tensordot, lambda a, b: np.tensordot(a, b, 1), 2, 2, axes=1),
    _binary("tensordot0", T.tensordot, lambda a, b: np.tensordot(a, b, 0), 1, 2, axes=0),
    _binary("tensordot", T.tensordot, lambda a, b: np.tensordot(a, b, ([0, 1], [1, 0])),
            2, 2, axes=([0, 1], [1, 0])),
    _plain("broadcast_three", sized(4), lambda a, b, c, d: T.broadcast((a, b), (c,), (d, 1)),
           lambda a, b, c, d: np.broadcast_arrays(ones(a, b), ones(c), ones(d, 1))[0]),
    _plain("broadcast_repeated", sized(2), lambda a, b: T.broadcast((a,), (b,), (a,), (b,)),
           lambda a, b: ones(a) + ones(b) + ones(a) + ones(b)),
    _plain("broadcast_constant", sized(1), lambda a: T.broadcast((a,), (3,)),
           lambda a: ones(a) + ones(3)),
    _plain("broadcast_zero", sized(1), lambda a: T.broadcast((0,), (a,)),
           lambda a: ones(a) + ones(0)),
    _plain("broadcast_to", (*sized(1), *sized(2, (-1, 0, 1, 3))),
           lambda a, c, d: T.broadcast_to((a,), (c, d)),
           lambda a, c, d: np.broadcast_to(ones(a), (c, d))),
    _einsum("ij,jk->ik", 2, 2), _einsum("ij,jk", 2, 2), _einsum("i,i->", 1, 1),
    _einsum("bij,bjk->bik", 3, 3), _einsum("...i,...i->...", 2, 1),
    _einsum("...ij,jk", 3, 2), _einsum("i...,i->...i", 2, 1), _einsum("ba", 2),
    _einsum("i,j,ij", 1, 1, 2), _einsum("i,i,i->i", 1, 1, 1),
    *_reduction(None, False), *_reduction(1, False), *_reduction((0, -1), True),
    *_reduction(-1, True), *_reduction((), False),
    _plain("argmax_none", sized(2), lambda *d: T.arg_reduce(d),
           lambda *d: np.argmax(ones(*d))),
    _plain("argmax_axis", sized(2), lambda *d: T.arg_reduce(d, 1),
           lambda *d: np.argmax(ones(*d), axis=1)),
    _plain("argmin_keep", sized(2), lambda *d: T.arg_reduce(d, None, True),
           lambda *d: np.argmin(ones(*d), keepdims=True)),
    _plain("cumsum", sized(2), lambda *d: T.accumulate(d), lambda *d: np.cumsum(ones(*d))),
    _plain("cumsum_axis", sized(2), lambda *d: T.accumulate(d, -1),
           lambda *d: np.cumsum(ones(*d), axis=-1)),
    _plain("diff", sized(2), lambda *d: T.diff(d), lambda *d: np.diff(ones(*d))),
    _plain("diff_2", sized(2), lambda *d: T.diff(d, 2, 0),
           lambda *d: np.diff(ones(*d), 2, axis=0)),
    _plain("diagonal", sized(3), lambda *d: T.diagonal(d, 1, 2, 0),
           lambda *d: np.diagonal(ones(*d), 1, 2, 0)),
    _plain("diagonal_below", sized(2), lambda *d: T.diagonal(d, -2),
           lambda *d: np.diagonal(ones(*d), -2)),
    _plain("diagonal_main", sized(2), lambda *d: T.diagonal(d),
           lambda *d: np.diagonal(ones(*d))),
    _plain("reshape", sized(4), lambda a, b, c, d: T.reshape((a, b), (c, d)),
           lambda a, b, c, d: ones(a, b).reshape(c, d)),
    _plain("reshape_rest", sized(3), lambda a, b, c: T.reshape((a, b), (c, -1)),
           lambda a, b, c: ones(a, b).reshape(c, -1)),
    _plain("reshape_rest_of_three", sized(3), lambda a, b, c: T.reshape((a, b), (-1, c, 2)),
           lambda a, b, c: ones(a, b).reshape(-1, c, 2)),
    _plain("reshape_any_negative", sized(1), lambda a: T.reshape((a,), (-5, 2)),
           lambda a: ones(a).reshape(-5, 2)),
    _plain("reshape_zero", sized(2), lambda a, b: T.reshape((a, b), (0, -1)),
           lambda a, b: ones(a, b).reshape(0, -1)),
    _plain("reshape_flat", sized(2), lambda a, b: T.reshape((a, b), (-1,)),
           lambda a, b: ones(a, b).reshape(-1)),
    _plain("reshape_scalar", sized(1), lambda a: T.reshape((a,), ()),
           lambda a: ones(a).reshape(())),
    _plain("ravel", sized(2), lambda *d: T.ravel(d), lambda *d: np.ravel(ones(*d))),
    _plain("transpose", sized(3), lambda *d: T.transpose(d), lambda *d: ones(*d).T),
    _plain("transpose_axes", sized(3), lambda *d: T.transpose(d, (1, -1, 0)),
           lambda *d: np.transpose(ones(*d), (1, -1, 0))),
    _plain("swapaxes", sized(3), lambda *d: T.swapaxes(d, 0, -1),
           lambda *d: np.swapaxes(ones(*d), 0, -1)),
    _plain("moveaxis", sized(3), lambda *d: T.moveaxis(d, (0, 1), (-1, 0)),
           lambda *d: np.moveaxis(ones(*d), (0, 1), (-1, 0))),
    _plain("expand_dims", sized(2), lambda *d: T.expand_dims(d, (0, -1)),
           lambda *d: np.expand_dims(ones(*d), (0, -1))),
    _plain("squeeze_axis", sized(3), lambda *d: T.squeeze(d, (0, -1)),
           lambda *d: np.squeeze(ones(*d), (0, -1))),
    _plain("concatenate", sized(4), lambda a, b, c, d: T.concatenate([(a, b), (c, d)], 1),
           lambda a, b, c, d: np.concatenate([ones(a, b), ones(c, d)], 1)),
    _plain("concatenate_flat", sized(3), lambda a, b, c: T.concatenate([(a, b), (c,)], None),
           lambda a, b, c: np.concatenate([ones(a, b), ones(c)], None)),
    _plain("concatenate_constant", sized(2), lambda a, b: T.concatenate([(a, b), (2, 3)]),
           lambda a, b: np.concatenate([ones(a, b), ones(2, 3)])),
    _plain("stack", sized(4), lambda a, b, c, d: T.stack([(a, b), (c, d)], -1),
           lambda a, b, c, d: np.stack([ones(a, b), ones(c, d)], -1)),
    _plain("split", ((0, 1, 2, 3, 4, 6), SIZES), lambda a, b: T.split((a, b), 2),
           lambda a, b: np.split(ones(a, b), 2)),
    _plain("split_last", ((0, 1), (0, 1, 2, 3, 5, 6)), lambda a, b: T.split((a, b), 3, -1),
           lambda a, b: np.split(ones(a, b), 3, axis=-1)),
    _plain("array_split", (range(9),), lambda a: T.array_split((a,), 4),
           lambda a: np.array_split(ones(a), 4)),
    _plain("repeat", (*sized(2), (-1, 0, 1, 3)), lambda a, b, c: T.repeat((a, b), c),
           lambda a, b, c: np.repeat(ones(a, b), c)),
    _plain("repeat_axis", (*sized(2), (-1, 0, 1, 3)), lambda a, b, c: T.repeat((a, b), c, 1),
           lambda a, b, c: np.repeat(ones(a, b), c, axis=1)),
    _plain("tile", sized(3), lambda a, b, c: T.tile((a,), (b, c)),
           lambda a, b, c: np.tile(ones(a), (b, c))),
    _plain("tile_less", sized(3), lambda a, b, c: T.tile((a, b), (c,)),
           lambda a, b, c: np.tile(ones(a, b), (c,))),
    _plain("pad", (*sized(2), *sized(2, (-1, 0, 2))),
           lambda a, b, c, d: T.pad((a, b), [(c, 1), (0, d)]),
           lambda a, b, c, d: np.pad(ones(a, b), [(c, 1), (0, d)])),
    _plain("pad_edge", (*sized(2), (0, 1), (0, 1)),
           lambda a, b, c, d: T.pad((a, b), [(c, d), (0, c)], "edge"),
           lambda a, b, c, d: np.pad(ones(a, b), [(c, d), (0, c)], mode="edge")),
    _slice("stop", lambda n, b: T.slice_length(n, None, b), lambda x, b: x[:b], 1),
    _slice("start", lambda n, a: T.slice_length(n, a), lambda x, a: x[a:], 1),
    _slice("both", T.slice_length, lambda x, a, b: x[a:b], 2),
    _slice("step", T.slice_length, lambda x, a, b, c: x[a:b:c], 3),
    _slice("only_step", lambda n, c: T.slice_length(n, None, None, c), lambda x, c: x[::c], 1),
    _slice("back", lambda n, a, b: T.slice_length(n, a, b, -2), lambda x, a, b: x[a:b:-2], 2),
    _slice("back_stop", lambda n, b: T.slice_length(n, None, b, -1), lambda x, b: x[:b:-1], 1),
    _slice("back_start", lambda n, a: T.slice_length(n, a, None, -3),
           lambda x, a: x[a::-3], 1),
    _slice("constant", lambda n: T.slice_length(n, 1, -1, 2), lambda x: x[1:-1:2], 0),
    _slice("of_size", lambda n: T.slice_length(n, 0, n), lambda x: x[0:x.shape[0]], 0),
    _slice("index", T.index, lambda x, i: x[i], 1),
    _plain("take", sized(3), lambda a, b, c: T.take((a, b), (c,), 0),
           lambda a, b, c: np.take(ones(a, b), np.zeros(c, int), 0)),
    _plain("take_flat", sized(3), lambda a, b, c: T.take((a, b), (c, 1)),
           lambda a, b, c: np.take(ones(a, b), np.zeros((c, 1), int))),
    _plain("gather", ((1, 2), *sized(3)),
           lambda a, b, c, d: T.gather((a, 2, b), [(c,), (d, 1)]),
           lambda a, b, c, d: ones(a, 2, b)[np.zeros(c, int), np.zeros((d, 1), int)]),
    _plain("gather_last", ((1, 2), *sized(3)),
           lambda a, b, c, d: T.gather((b, a), [(c, d)], 1),
           lambda a, b, c, d: ones(b, a)[:, np.zeros((c, d), int)]),
    _plain("arange", sized(3, SIGNED), lambda a, b, c: ShapeResult(*_arange(a, b, c)),
           lambda a, b, c: np.arange(a, b, c)),
    _plain("created", sized(2, SIGNED), lambda *d: T.created(d), lambda *d: np.zeros(d)),
    _plain("repeat_each", sized(2), lambda a, c: T.repeat_each((a,), (c,), 2 * a),
           lambda a, c: np.repeat(ones(a), np.full(c, 2))),
    _plain("repeat_each_axis", sized(3),
           lambda a, b, c: T.repeat_each((a, b), (c,), 2 * b, 1),
           lambda a, b, c: np.repeat(ones(a, b), np.full(c, 2), axis=1)),
]  # fmt: skip


def _arange(a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    result = tensors.arange(a, b, c)
    return result.shape, result.needs


def _expected(case: Case, sizes: Sequence[int]) -> list[tuple[int, ...]] | None:
    try:
        result = case.concrete(*sizes)
    except (ValueError, IndexError, ZeroDivisionError, TypeError):
        return None
    parts = result if isinstance(result, (list, tuple)) else [result]
    return [np.shape(part) for part in parts]


def _predicted(
    result: ShapeResult | Sequence[ShapeResult], values: dict[str, int]
) -> list[tuple[int, ...]] | None:
    parts = [result] if isinstance(result, ShapeResult) else result
    if not all(evaluate(need.condition, values) for part in parts for need in part.needs):
        return None
    return [tuple(evaluate(size, values) for size in part.shape) for part in parts]


def _oracle(domains: dict[str, tuple[int, ...]]) -> Callable[[Expr], bool | None]:
    """Knows what holds for all sizes of the domains."""

    def known(condition: Expr) -> bool | None:
        names = [s.name for s in free_symbols(condition)]
        outcomes = {
            bool(evaluate(condition, dict(zip(names, choice))))
            for choice in itertools.product(*[domains[name] for name in names])
        }
        return outcomes.pop() if len(outcomes) == 1 else None

    return known


def _names(case: Case) -> list[str]:
    return [f"d{i}" for i in range(len(case.domains))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_symbols_accept_what_numpy_accepts(case: Case) -> None:
    names = _names(case)
    result = case.symbolic(*[symbol(name) for name in names])
    for sizes in itertools.product(*case.domains):
        predicted = _predicted(result, dict(zip(names, sizes)))
        assert predicted == _expected(case, sizes), (case.name, sizes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_constants_accept_what_numpy_accepts(case: Case) -> None:
    for sizes in itertools.product(*case.domains):
        try:
            result = case.symbolic(*sizes)
            parts = [result] if isinstance(result, ShapeResult) else result
            found: Any = [tuple(d.value for d in part.checked().shape) for part in parts]
        except ShapeError:
            found = None
        assert found == _expected(case, sizes), (case.name, sizes)


KNOWN_CASES: list[tuple[str, Callable[..., ShapeResult], Callable[..., Any], int]] = [
    ("broadcast", lambda k, a, b: T.broadcast((a,), (b,), known=k),
     lambda a, b: ones(a) + ones(b), 0),
    ("matmul", lambda k, a, b: T.matmul((a, 2, 2), (b, 2, 2), known=k),
     lambda a, b: ones(a, 2, 2) @ ones(b, 2, 2), 0),
    ("einsum", lambda k, a, b: T.einsum("i,i->i", [(a,), (b,)], known=k),
     lambda a, b: np.einsum("i,i->i", ones(a), ones(b)), 0),
    ("broadcast_to", lambda k, a, b: T.broadcast_to((a,), (b,), known=k),
     lambda a, b: np.broadcast_to(ones(a), (b,)), 0),
    ("diff", lambda k, a, b: T.diff((a, b), 2, 0, known=k),
     lambda a, b: np.diff(ones(a, b), 2, 0), 0),
    ("slice", lambda k, a, b: T.slice_length(a, b, known=k), lambda a, b: ones(a)[b:], 0),
    ("slice_back", lambda k, a, b: T.slice_length(a, None, b, -1, known=k),
     lambda a, b: ones(a)[:b:-1], 0),
    ("slice_both", lambda k, a, b: T.slice_length(9, a, b, known=k),
     lambda a, b: ones(9)[a:b], 0),
    ("diagonal", lambda k, a, b: T.diagonal((a, b), 1, known=k),
     lambda a, b: np.diagonal(ones(a, b), 1), 0),
    ("arange", lambda k, a, b: T.arange(a, b, 2, known=k), lambda a, b: np.arange(a, b, 2), 0),
]  # fmt: skip


@pytest.mark.parametrize("row", KNOWN_CASES, ids=lambda row: row[0])
@pytest.mark.parametrize(
    "domains",
    [((2, 3), (0, 1, 2)), ((2, 3), (2, 3)), ((1,), SIZES), (SIZES, (1,)), ((3, 4), (1, 2)),
     (SIZES, (3,)), ((0, 2), (0, 1)), ((2,), (2,))],
)  # fmt: skip
def test_what_is_known_changes_the_text_only(row: Any, domains: Any) -> None:
    _, symbolic, concrete, _ = row
    table = dict(zip(("a", "b"), domains))
    result = symbolic(_oracle(table), symbol("a"), symbol("b"))
    case = Case("", symbolic, concrete, domains)
    for sizes in itertools.product(*domains):
        assert _predicted(result, dict(zip("ab", sizes))) == _expected(case, sizes), sizes


def test_simple_results() -> None:
    a, b = symbol("a"), symbol("b")
    assert tensors.broadcast((a,), (a,)) == ShapeResult((a,))
    assert tensors.broadcast((a,), (1,)) == ShapeResult((a,))
    constant = tensors.broadcast((a,), (128,))
    assert constant.shape[0].value == 128
    assert str(constant.needs[0].condition) in ("a == 128 or a == 1", "a == 1 or a == 128")

    def not_one(condition: Expr) -> bool | None:
        return False if str(condition) in ("a == 1", "b == 1") else None

    plain = tensors.broadcast((a,), (b,), known=not_one)
    assert [str(n.condition) for n in plain.needs] == ["a == b"]
    assert plain.shape == (a,)
    assert tensors.reshape((a, 128), (a, -1)).shape[1].value == 128
    assert tensors.slice_length(a).shape == (a,)
    assert tensors.slice_length(a, 0, a).shape == (a,)
    assert tensors.arange(0, a, known=lambda c: True).shape == (a,)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: tensors.broadcast((2, 3), (4,)).checked(),
         "operands could not be broadcast together with shapes (2,3) (4,)"),
        (lambda: tensors.matmul((), (2,)), "does not have enough dimensions"),
        (lambda: tensors.matmul((2, 3), (4, 5)).checked(), "(2,3) and (4,5)"),
        (lambda: tensors.reduce((2, 3), 2), "axis 2 is out of bounds"),
        (lambda: tensors.reduce((2, 3), (0, -2)), "repeated axis"),
        (lambda: tensors.reshape((2, 3), (4, -1)).checked(),
         "cannot reshape array of size 6 into shape (4,?)"),
        (lambda: tensors.reshape((6,), (-1, -1)), "only specify one unknown"),
        (lambda: tensors.squeeze((2,), 0).checked(), "size not equal to one"),
        (lambda: tensors.squeeze((symbol("a"), 1)), "whether a == 1"),
        (lambda: tensors.concatenate([(2, 3), (4,)]), "same number of dimensions"),
        (lambda: tensors.concatenate([]), "at least one"),
        (lambda: tensors.stack([(2,), (3,)]).checked(), "(2,) (3,)"),
        (lambda: tensors.split((5,), 2).__getitem__(0).checked(), "equal division"),
        (lambda: tensors.einsum("ij->k", [(2, 3)]), "not a valid output"),
        (lambda: tensors.einsum("ij", [(2,)]), "labels 'ij' do not fit"),
        (lambda: tensors.einsum("i$", [(2,)]), "not a list of labels"),
        (lambda: tensors.einsum("i,i", [(2,)]), "2 terms for 1 operands"),
        (lambda: tensors.einsum("ii", [(2, 3)]).checked(), "einsum 'ii'"),
        (lambda: tensors.einsum("i...->i", [(2, 3)]), "no '...'"),
        (lambda: tensors.transpose((2, 3), (0,)), "axes don't match"),
        (lambda: tensors.broadcast_to((2, 3), (3,)), "more dimensions"),
        (lambda: tensors.slice_length(3, step=0).checked(), "cannot be zero"),
        (lambda: tensors.index(3, 3).checked(), "index 3 is out of bounds"),
        (lambda: tensors.pad((2,), []), "0 pairs"),
        (lambda: tensors.repeat_each((2,), (1, 1), 2), "too deep"),
        (lambda: tensors.diff((2,), -1), "non-negative"),
        (lambda: tensors.cross((4,), (3,), (-1, -1, -1), None), "must be 2 or 3"),
        (lambda: tensors.cross((3,), (symbol("a"),), (0, 0, 0), None), "whether a is 2 or 3"),
    ],
)  # fmt: skip
def test_certain_mismatches_are_errors(call: Callable[[], object], text: str) -> None:
    with pytest.raises(ShapeError) as caught:
        call()
    assert text in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_need_that_never_holds_is_kept_as_false() -> None:
    result = tensors.broadcast((2,), (3,))
    assert [need.condition for need in result.needs] == [FALSE]


def test_ranks_are_decided_at_once() -> None:
    assert tensors.squeeze((symbol("a"), 1), known=lambda c: False).shape == (symbol("a"),)
    assert tensors.show_shape(tensors.as_shape([as_expr(3)])) == "(3,)"
    assert tensors.outer(symbol("a"), symbol("b")).shape == (symbol("a"), symbol("b"))
