"""The strategies themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from asserts.errors import InputError
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from asserts.testing.arrays import FILLINGS, filled
from asserts.testing.pool import Pool
from shapes.env import Dim, ShapeEnv
from shapes.expr import BoolExpr, Expr, IntExpr
from shapes.traversal import evaluate, free_symbols

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy
    from numpy.typing import NDArray

__all__ = ["arrays", "drawn_from", "inputs", "shapes", "sizes"]

STEPS: Final = 12
"""How far from its least value a size is drawn, in steps of its congruence."""


def sizes(env: ShapeEnv, *names: str) -> SearchStrategy[dict[str, int]]:
    """Values of an environment's sizes and integers (those of `names`, else all that are
    backed), by name, which satisfy all that is known of them.

    Raises `InputError` at the first draw if no values are found, `UnknownSymbolError` for a
    name that the environment does not know.
    """
    return _values(env, [env[name].expr for name in names] or _backed(env)).map(
        lambda values: {one.name: value for one, value in values.items()}
    )


def shapes(env: ShapeEnv, *dims: object) -> SearchStrategy[tuple[int, ...]]:
    """Shapes whose sizes are these: text such as ``"2*n"``, names, numbers, symbolic numbers
    of the environment."""
    exprs = _dims(env, dims)
    return _values(env, _in(exprs)).map(lambda values: _shape(exprs, values))


def arrays(
    env: ShapeEnv, dims: Sequence[object], dtype: object = "float64"
) -> SearchStrategy[NDArray[Any]]:
    """Arrays whose sizes are these (see `shapes`)."""
    from hypothesis import strategies as st

    fillings = st.integers(0, FILLINGS - 1)
    return st.builds(lambda shape, n: filled(shape, dtype, n), shapes(env, *dims), fillings)


def inputs(program: GraphModule) -> SearchStrategy[tuple[Any, ...]]:
    """Inputs for a traced program, in the order of its parameters: their sizes and integers
    satisfy its contract, its guards, and the checks that speak of nothing else. Contents are
    arbitrary, so a check on what they lead to may still fail.

    Raises `InputError` for a module that was not traced.
    """
    from hypothesis import strategies as st

    env = program.shape_env
    if not isinstance(env, ShapeEnv):
        raise InputError("inputs are drawn for programs that were traced")
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    own = [one for node in nodes for one in node.meta.get("bindings", {})]
    symbols = list(dict.fromkeys([*own, *_backed(env)]))

    values_of = _values(env, symbols, [check.claim for check in env.checks])

    @st.composite
    def drawn(draw: DrawFn) -> tuple[Any, ...]:
        values = draw(values_of)
        return tuple(_input(node, values, draw(fillings)) for node in nodes)

    fillings = st.integers(0, FILLINGS - 1)
    return drawn()


def drawn_from(pool: Pool) -> SearchStrategy[dict[Expr, int]]:
    """Values of a pool: one of its solutions, the corners first, with some of the values
    changed where the conditions allow it."""
    from hypothesis import strategies as st

    @st.composite
    def drawn(draw: DrawFn) -> dict[Expr, int]:
        solutions = pool.solutions
        values = dict(solutions[draw(st.integers(0, len(solutions) - 1))])
        if not draw(st.booleans()):
            return values
        for symbol in pool.symbols:
            least, step, greatest = pool.steps(symbol)
            value = least + step * draw(st.integers(0, STEPS))
            changed = {**values, symbol: value}
            if (greatest is None or value <= greatest) and pool.holds(changed):
                values = changed
        return values

    return drawn()


# --------------------------------------------------------------------------- helpers


def _backed(env: ShapeEnv) -> list[IntExpr]:
    """The integers of an environment that are inputs."""
    found = [info.symbol for info in env.symbols.values() if info.backed]
    return [one for one in found if isinstance(one, IntExpr)]


def _values(
    env: ShapeEnv, symbols: Iterable[Expr], more: Iterable[BoolExpr] = ()
) -> SearchStrategy[dict[Expr, int]]:
    """Values of symbols, and of all that what is known connects with them."""
    stated = [fact.claim for fact in env.axioms]
    backed = set(_backed(env))
    wanted = dict.fromkeys(symbols)
    known = [claim for claim in [*stated, *more] if set(free_symbols(claim)) <= backed]
    grown = True
    while grown:
        touching = [claim for claim in known if any(s in wanted for s in free_symbols(claim))]
        reached = {s: None for claim in touching for s in free_symbols(claim)}
        grown = bool(reached.keys() - wanted.keys())
        wanted |= reached
    chosen = [one for one in wanted if isinstance(one, IntExpr)]
    return drawn_from(Pool(env, chosen, [claim for claim in known if _within(claim, wanted)]))


def _within(claim: BoolExpr, symbols: Mapping[Expr, None]) -> bool:
    return all(one in symbols for one in free_symbols(claim))


def _dims(env: ShapeEnv, dims: Sequence[object]) -> list[IntExpr]:
    found = []
    for one in dims:
        expr = env.spelled(one.name if isinstance(one, Dim) else one).expr
        if not isinstance(expr, IntExpr):
            raise InputError(f"{one!r} is not a size")
        found.append(expr)
    return found


def _in(exprs: Sequence[IntExpr]) -> list[Expr]:
    return free_symbols(*exprs)


def _shape(exprs: Sequence[IntExpr], values: Mapping[Expr, int]) -> tuple[int, ...]:
    return tuple(int(evaluate(one, values)) for one in exprs)


def _input(node: Any, values: Mapping[Expr, int], filling: int) -> Any:
    """The value of a placeholder."""
    value = node.meta.get("val")
    own = {path: one for one, path in node.meta.get("bindings", {}).items()}
    if isinstance(value, ArrayValue):
        axes = range(len(value.shape))
        shape = [values[own[(("size", axis),)]] for axis in axes]
        return filled(shape, value.dtype, filling)
    return values[own[()]] if () in own else value
