"""Both sides of a branch on data, and loops over as many rows as the data say.

The function that asks is rewritten (see `rewriting`), and the trace starts again. Where torch
can then not decide a condition, both sides are traced, and the program has them in a
`torch.cond`; a loop over the rows of a tensor becomes a `while_loop`, its body traced once.
Nothing is assumed: the program computes what the model does, whichever way it goes.

A site is given up, with the reason in the report, if it cannot be a function, if tracing a
side fails, or if a side changes what is not the function's own (`untouched`): an attribute,
a list, a range of a size outside. Tensors that a side writes to are written back behind it.
What shares memory in eager mode and does not in the program (``y = x`` on one side) must not
be written to later: that is looked for when the trace ends.

Limits: `torch.export.export` without `strict`; `while`, loops that are left before their end,
and functions that are made anew on each call are given up. No more than the variables that
are read later are results, and those must be tensors alike on both sides, or equal.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import CodeType, FrameType, FunctionType
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch._higher_order_ops.cond import cond_op
from torch._higher_order_ops.while_loop import while_loop_op
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.utils import _pytree as pytree

from asserts.conditions.report import Decision
from asserts.dialects.torch.export.advice import asking, is_users
from asserts.dialects.torch.export.asking import Site
from asserts.dialects.torch.export.bodies import (
    Body,
    InfeasibleError,
    Key,
    Operands,
    storage_of,
    writes_after,
)
from asserts.dialects.torch.export.decide import forget_known
from asserts.dialects.torch.export.decisions import note_decision
from asserts.dialects.torch.export.functions import function_of
from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.rewriting import (
    CALLED,
    RefusedError,
    Where,
    rewritten,
    where_of,
)
from asserts.dialects.torch.export.traces import Again, Trace, trace_in_force
from asserts.dialects.torch.export.untouched import Environment, Objects, watching
from asserts.dialects.torch.symbols.growing import tracer_in_force

__all__ = ["both_ways"]

_LOOP: Final = "the loop is in the program, however many turns it has (torch.while_loop)"
_BOTH: Final = "both sides are in the program (torch.cond)"

Place = tuple[str, Where]
"""A file, and a statement of it."""


class _OpenError(BaseException):
    """A condition that nothing decides."""


@dataclass
class _Plan:
    """What is rewritten in a trace."""

    sites: dict[FunctionType, set[Place]] = field(default_factory=dict)
    originals: dict[FunctionType, CodeType] = field(default_factory=dict)
    functions: dict[CodeType, FunctionType] = field(default_factory=dict)
    refused: dict[Place, str] = field(default_factory=dict)
    trying: bool = False
    severed: list[tuple[int, Any, Any, set[int], Place]] = field(default_factory=list)

    def add(self, function: FunctionType, place: Place) -> None:
        """Rewrite one statement more. Raises `RefusedError`."""
        code = self.originals.get(function, function.__code__)
        sites = self.sites.setdefault(function, set())
        made = rewritten(code, frozenset(where for _, where in {*sites, place}))
        self.originals[function] = code
        sites.add(place)
        self._put(function, made)

    def refuse(self, place: Place, reason: str) -> None:
        """Leave a statement as it was."""
        self.refused[place] = reason
        for function, sites in self.sites.items():
            if place in sites:
                sites.discard(place)
                code = self.originals[function]
                try:
                    wanted = frozenset(where for _, where in sites)
                    self._put(function, rewritten(code, wanted) if wanted else code)
                except RefusedError:  # (it stood around others)
                    sites.clear()
                    self._put(function, code)

    def _put(self, function: FunctionType, code: CodeType) -> None:
        function.__code__ = code
        for one in _codes(code):
            self.functions[one] = function

    def put_back(self) -> None:
        for function, code in self.originals.items():
            function.__code__ = code
            _REWRITTEN.pop(function, None)


def _codes(code: CodeType) -> Iterable[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


MOST_ALIKE: Final = 16
"""Functions that are rewritten for one statement. (Of a function that the program makes while
it runs, each attempt finds another one.)"""

_PLANS: WeakKeyDictionary[Trace, _Plan] = WeakKeyDictionary()

_REWRITTEN: WeakKeyDictionary[FunctionType, _Plan] = WeakKeyDictionary()
"""Functions that a trace, perhaps in another thread, has rewritten."""


def _plan_of(trace: Trace) -> _Plan:
    plan = _PLANS.get(trace)
    if plan is None:
        plan = _PLANS[trace] = _Plan()
        trace.closing.append(plan.put_back)
        trace.checks.append(lambda: _require_whole(trace, plan))
    return plan


# --------------------------------------------------------------------------- the rung


def both_ways(question: Question) -> Answer | None:
    """Starts the trace again with both sides of the branch, if they can be traced; says why
    not otherwise, and has no answer."""
    trace, asker = trace_in_force(), question.asker
    if trace is None or asker is None or tracer_in_force() is None:
        return None
    plan = _plan_of(trace)
    if plan.trying:
        raise _OpenError
    frame, site = _users_frame(), asker.site()
    statement = None if site is None else _statement(site)
    if frame is None or statement is None:
        return None
    if asker.operation is not None and not (asker.tests or isinstance(statement, ast.For)):
        return None
    place = (asker.file, where_of(statement))
    reason = plan.refused.get(place)
    if reason is None:
        reason = _rewrite(trace, plan, frame, place)
        plan.refused[place] = reason
    shown = "not feasible"
    asked = site.text if site is not None else str(question.asked)
    note_decision(
        question.shape_env, Decision("branches", asked, shown, question.line, reason)
    )
    return None


def _rewrite(trace: Trace, plan: _Plan, frame: FrameType, place: Place) -> str:
    """Start again with the statement rewritten; returns the reason if that is not possible."""
    function = plan.functions.get(frame.f_code) or function_of(frame)
    alike = sum(place in sites for one, sites in plan.sites.items() if one is not function)
    if function is None or alike >= MOST_ALIKE:
        return "its function is made anew on each call"
    if place in plan.sites.get(function, ()):
        _start_again(trace, plan, place, "its condition asks more than one question", frame)
    if _REWRITTEN.get(function, plan) is not plan:
        return "another thread traces the function"
    try:
        plan.add(function, place)
        _REWRITTEN[function] = plan
    except (RefusedError, SyntaxError, ValueError, TypeError) as error:
        return str(error)
    trace.wanted = Again(frame.f_globals, {CALLED[name]: _HELPERS[name] for name in CALLED})
    raise trace.wanted


def _start_again(
    trace: Trace, plan: _Plan, place: Place, reason: str, frame: FrameType
) -> None:
    """Start again without a site."""
    plan.refuse(place, reason)
    trace.wanted = Again(frame.f_globals, {})
    raise trace.wanted


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _statement(site: Site) -> ast.If | ast.IfExp | ast.For | None:
    """The statement whose way depends on the expression."""
    node = site.node
    if isinstance(node, (ast.If, ast.IfExp, ast.For)):
        return node
    for outer in site.around():
        if isinstance(outer, (ast.If, ast.IfExp)) and node is outer.test:
            return outer
        if isinstance(outer, ast.For):
            return outer if node is outer.iter else None
        if isinstance(outer, ast.stmt):
            return None
        node = outer
    return None


def _require_whole(trace: Trace, plan: _Plan) -> None:
    """Give up the sites behind which a tensor was written to that is a copy now, and was a
    view in eager mode."""
    for attempt, graph, last, storages, place in plan.severed:
        if attempt == trace.restarts and writes_after(graph, last, storages):
            reason = "a tensor that it may have given another name is written to later"
            plan.refuse(place, reason)
            trace.wanted = Again({}, {})
            raise trace.wanted


# --------------------------------------------------------------------------- at run time


class _Unbound:
    """Stands for a variable that has no value."""

    def __repr__(self) -> str:
        return "<no value>"


UNBOUND: Final = _Unbound()


def _state(names: Sequence[str], frame: FrameType) -> list[Any]:
    held = frame.f_locals
    return [held.get(name, UNBOUND) for name in names]


def _sides(
    where: Where, test: Any, yes: Callable[..., Any], no: Callable[..., Any],
    names: tuple[str, ...],
) -> Any:  # fmt: skip
    """An ``if``: the side that is taken, or both."""
    frame = sys._getframe(1)
    state = _state(names, frame)
    truth = _truth(test)
    if isinstance(truth, bool):
        return yes(*state) if truth else no(*state)
    site = _Site((frame.f_code.co_filename, where), frame)
    import_module("torch._inductor.ir")  # (torch.cond does: what that sets is not the sides')
    return site.traced(lambda: _both(site, truth, lambda: yes(*state), lambda: no(*state)))


def _truth(test: Any) -> Any:
    """A truth of Python's, or a symbolic one that nothing decides."""
    trace = trace_in_force()
    if trace is None or get_proxy_mode() is None:
        return bool(test)
    if isinstance(test, torch.Tensor) and test.dim() <= 1 and _is_one(test):
        test = test.item()
    if not isinstance(test, (torch.SymBool, torch.SymInt, torch.SymFloat)):
        return bool(test)
    truth = test if isinstance(test, torch.SymBool) else test != 0
    try:
        return _decided(trace, lambda: bool(truth))
    except _OpenError:
        return truth


def _is_one(tensor: torch.Tensor) -> bool:
    return all(isinstance(size, int) and size == 1 for size in tensor.shape)


def _decided(trace: Trace, ask: Callable[[], Any]) -> Any:
    """An answer that assumes nothing. Raises `_OpenError`."""
    plan = _plan_of(trace)
    plan.trying = True
    try:
        return ask()
    finally:
        plan.trying = False


class _Site:
    """A statement that is traced otherwise than Python runs it."""

    def __init__(self, place: Place, frame: FrameType) -> None:
        trace = trace_in_force()
        mode = get_proxy_mode()
        assert trace is not None
        assert mode is not None
        self.place, self.frame, self.trace = place, frame, trace
        self.tracer = mode.tracer
        self.plan = _plan_of(trace)
        self.shape_env = torch._guards.detect_fake_mode().shape_env

    def traced(self, work: Callable[[], Any]) -> Any:
        """The results; the trace starts again without the site if that is not feasible."""
        try:
            objects = Objects(self.frame.f_locals.values())
            environment = Environment(self.shape_env)
            with watching(objects, sys._getframe()):
                found = work()
            objects.require_same()
            environment.settle()
        except Exception as error:  # (the user's code may raise anything)
            if self.trace.wanted is not None:
                raise
            _start_again(self.trace, self.plan, self.place, _reason(error), self.frame)
            raise
        forget_known(self.shape_env)
        return found

    def note(self, reason: str, answer: str) -> None:
        asker = asking()
        site = None if asker is None else asker.site()
        text = "" if site is None else site.text
        line = "" if asker is None else str(asker)
        note_decision(self.shape_env, Decision("branches", text, answer, line, reason))

    def sever(self, storages: set[int | None]) -> None:
        """Remember what must not be written to from here on."""
        found = {one for one in storages if one is not None}
        if found:
            graph = self.tracer.graph
            last = graph._root.prev
            self.plan.severed.append((self.trace.restarts, graph, last, found, self.place))


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, InfeasibleError):
        return lines[0]
    return f"tracing it fails: {type(error).__name__}: {lines[0][:160] if lines else ''}"


# --------------------------------------------------------------------------- two sides


def _both(site: _Site, truth: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    operands = Operands(site.tracer)
    bodies = [Body(side, operands) for side in (yes, no)]
    (leaves, spec), (others, other) = (pytree.tree_flatten(one.result) for one in bodies)
    if spec != other:
        raise InfeasibleError("its sides give results of different kinds")
    mixed = [k for k, pair in enumerate(zip(leaves, others)) if _differs(*pair)]
    written = list(dict.fromkeys(key for body in bodies for key in body.written))
    used = dict.fromkeys(key for body in bodies for key in (*body.used, *body.written))
    copied = [
        body.finish(list(used), [own[k] for k in mixed], written)
        for body, own in zip(bodies, (leaves, others))
    ]
    inputs = [_input(key, operands, bodies) for key in used]
    if not mixed and not written:
        return pytree.tree_unflatten(leaves, spec)  # (nothing that is read is computed)
    given = cond_op(truth, bodies[0].module, bodies[1].module, inputs)
    for key, value in zip(written, given[len(mixed) :]):
        operands.values[key].copy_(value)
    severed: set[int | None] = set()
    for k, value, *flags in zip(mixed, given, *copied):
        if any(flags):
            severed |= {storage_of(value), *_outer(bodies, leaves[k], others[k])}
        leaves[k] = value
    site.sever(severed)
    site.note(_BOTH, "either")
    return pytree.tree_unflatten(leaves, spec)


def _outer(bodies: Sequence[Body], *values: Any) -> set[int | None]:
    return {storage_of(v) for body, v in zip(bodies, values) if body.is_outer(v)}


def _input(key: Key, operands: Operands, bodies: Sequence[Body]) -> Any:
    if isinstance(key, int):
        return operands.values[key]
    constant = next(body.constants[key] for body in bodies if key in body.constants)
    return torch.ops.aten.lift_fresh_copy.default(constant)


def _differs(a: Any, b: Any) -> bool:
    """Whether a value depends on the side; both are tensors then."""
    if a is b or _is_equal(a, b):
        return False
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.dtype != b.dtype or a.device != b.device or a.layout != b.layout:
            raise InfeasibleError("its sides give tensors of different types")
        return True
    if UNBOUND in (a, b):
        raise InfeasibleError("a variable that is read later is set on one side only")
    raise InfeasibleError("its sides give different values that are not tensors")


def _is_equal(a: Any, b: Any) -> bool:
    symbolic = (torch.SymInt, torch.SymFloat, torch.SymBool)
    if isinstance(a, symbolic) and isinstance(b, symbolic):
        return type(a) is type(b) and a.node.expr == b.node.expr
    plain = (int, float, str, bytes, bool, type(None), torch.dtype, torch.device)
    if not isinstance(a, plain) or type(a) is not type(b):
        return False
    return repr(a) == repr(b)


# --------------------------------------------------------------------------- loops


@dataclass(frozen=True)
class _Turns:
    """What a loop goes over: how many items, each by its number (a tensor of one), the tensor
    they are read from, and what Python would go over."""

    count: Any
    item: Callable[[torch.Tensor], Any]
    plain: Callable[[], Iterable[Any]]
    of: torch.Tensor | None = None


def _over(iterable: Any) -> _Turns | None:
    if isinstance(iterable, _Turns):
        return iterable
    if not isinstance(iterable, torch.Tensor) or iterable.dim() == 0:
        return None

    def item(k: torch.Tensor) -> torch.Tensor:
        return iterable.index_select(0, k.reshape(1)).select(0, 0)

    return _Turns(iterable.shape[0], item, lambda: iterable, iterable)


def _range(function: Any, *args: Any) -> Any:
    """``range``, of numbers that may be symbolic."""
    symbolic = any(isinstance(one, torch.SymInt) for one in args)
    if function is not builtins.range or len(args) > 2 or not symbolic:
        return function(*args)
    start, stop = (0, *args)[-2:]
    count = torch.sym_max(stop - start, 0)
    return _Turns(count, lambda k: k.item() + start, lambda: range(*args))


def _enumerate(function: Any, iterable: Any, *start: Any) -> Any:
    """``enumerate``, of what may have as many items as the data say."""
    turns = _over(iterable)
    if function is not builtins.enumerate or turns is None:
        plain = iterable.plain() if isinstance(iterable, _Turns) else iterable
        return function(plain, *start)
    first = start[0] if start else 0

    def item(k: torch.Tensor) -> Any:
        return k.item() + first, turns.item(k)

    return _Turns(turns.count, item, lambda: enumerate(turns.plain(), first), turns.of)


def _tolist(value: Any) -> Any:
    """The method of tensors, as something to go over."""
    if not isinstance(value, torch.Tensor) or value.dim() != 1:
        return value.tolist()
    turns = _over(value)
    assert turns is not None
    return _Turns(turns.count, lambda k: turns.item(k).item(), value.tolist, value)


def _turns(
    where: Where, iterable: Any, body: Callable[..., Any], kept: tuple[str, ...],
    names: tuple[str, ...],
) -> Any:  # fmt: skip
    """A ``for``: turn by turn, or as a loop of the program."""
    frame = sys._getframe(1)
    held = dict(zip(names, _state(names, frame)))
    turns = _over(iterable)
    if turns is None or not _is_open(turns.count):
        for item in iterable if turns is None else turns.plain():
            held.update(zip(kept, body(item, *held.values())))
        return tuple(held[name] for name in kept)
    site = _Site((frame.f_code.co_filename, where), frame)
    return site.traced(lambda: _loop(site, turns, body, kept, held))


def _is_open(count: Any) -> bool:
    """Whether nothing says how many turns there are."""
    trace = trace_in_force()
    if trace is None or get_proxy_mode() is None or not isinstance(count, torch.SymInt):
        return False
    try:
        _decided(trace, lambda: int(count))
    except _OpenError:
        return True
    return False


def _loop(
    site: _Site, turns: _Turns, body: Callable[..., Any], kept: tuple[str, ...],
    held: dict[str, Any],
) -> Any:  # fmt: skip
    device = "cpu" if turns.of is None else turns.of.device
    number = torch.zeros((), dtype=torch.int64, device=device)
    total = torch.full((), turns.count, dtype=torch.int64, device=device)
    before = dict(held)
    carried: list[str] = []
    items: list[Any] = []

    def turn() -> Any:
        items[:] = [turns.item(number)]
        return number + 1, body(items[0], *held.values())

    while True:
        operands = Operands(site.tracer)
        made = Body(turn, operands)
        new = [k for k in _changed(kept, held, made.result[1]) if k not in carried]
        if not new:
            break
        for name in new:
            held[name] = held[name].clone()
            carried.append(name)
    copies = [held[name] for name in carried]
    _require_rows(made, [*pytree.tree_leaves(items), turns.of, number, total, *copies])
    after = dict(zip(kept, made.result[1]))
    first = [operands.place_of(one) for one in (number, *copies)] + made.written
    inputs = dict.fromkeys([*first, operands.place_of(total), *made.used])
    results_of_turn = [made.result[0], *(after[name] for name in carried)]
    made.finish(list(inputs), results_of_turn, made.written)
    more = Body(lambda: torch.lt(number, total), operands)
    more.finish(list(inputs), [more.result], [])
    output = more.graph.output_node()
    output.args = (output.args[0][0],)
    more.module.recompile()
    values = [_input(key, operands, [made]) for key in inputs]
    count = len(first)
    given = while_loop_op(
        more.module, made.module, tuple(values[:count]), tuple(values[count:])
    )
    for key, value in zip(made.written, given[1 + len(carried) :]):
        operands.values[key].copy_(value)
    results = dict(zip(carried, given[1:]))
    site.sever({storage_of(v) for name in carried for v in (before[name], results[name])})
    site.note(_LOOP, "any number")
    return tuple(results.get(name, before[name]) for name in kept)


def _changed(kept: Sequence[str], held: dict[str, Any], after: Sequence[Any]) -> list[str]:
    """The variables that a turn gives another value, which are tensors."""
    found = []
    for name, new in zip(kept, after):
        old = held[name]
        if old is new or _is_equal(old, new):
            continue
        if not isinstance(old, torch.Tensor) or not isinstance(new, torch.Tensor):
            raise InfeasibleError(f"a turn changes `{name}`, which is not always a tensor")
        if old.dtype != new.dtype or old.dim() != new.dim() or old.device != new.device:
            raise InfeasibleError(f"a turn changes the type of `{name}`")
        found.append(name)
    return found


def _require_rows(made: Body, values: Iterable[Any]) -> None:
    """What a turn gets is a copy: it must not be written to."""
    storages = {found for one in values if (found := storage_of(one)) is not None}
    if writes_after(made.graph, None, storages):
        text = "a turn writes to what it goes over, or to a variable that it sets"
        raise InfeasibleError(text)


_HELPERS: Final = {
    "sides": _sides,
    "turns": _turns,
    "range": _range,
    "enumerate": _enumerate,
    "tolist": _tolist,
}
