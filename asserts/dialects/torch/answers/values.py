"""What nodes of torch's graphs stand for, recomputed under the fake mode found in the graph.

torch itself computes a node's value from the stated values of its arguments: a tensor without
data, whose sizes are symbolic. Such a computation may decide a condition by the example sizes
and record it as a guard, and makes new symbols for what is only known at run time. Here
nothing of that stays: torch's `ShapeEnv` is as it was before, a new symbol stands for the one
that the node binds at that place, and a value that rests on a condition which the engine
cannot prove from what is enforced counts as one that cannot be recomputed.

Limits: calls of higher-order operators, of modules, and of functions that may have an effect
beside their result are not recomputed; whether two values share memory is not compared.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import sympy
import torch
from torch import fx
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree

from asserts.dialects.torch.answers.effects import fake_mode_of
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr import PRODUCT, Expr, IntExpr, as_condition, equal, make
from shapes.facts import Fact, Facts
from shapes.prove import entails
from shapes.traversal import free_symbols

if TYPE_CHECKING:
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

__all__ = ["TorchInference", "TorchValues"]

_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat, torch.SymBool)
_UNKNOWABLE: Final = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
    GuardOnDataDependentSymNode,
    NotImplementedError,
)
_PLAIN_MODULES: Final[tuple[ModuleType, ...]] = (operator, math, builtins)
_SHORT: Final = {
    torch.float32: "f32", torch.float64: "f64", torch.float16: "f16", torch.bfloat16: "bf16",
    torch.int64: "i64", torch.int32: "i32", torch.int16: "i16", torch.int8: "i8",
    torch.uint8: "u8", torch.bool: "b8", torch.complex64: "c64", torch.complex128: "c128",
}  # fmt: skip


class TorchValues:
    """What `metadata` asks of torch's graphs."""

    def __init__(self, symbols: TorchEnv, key: str) -> None:
        self._symbols = symbols
        self._key = key

    def inference(self, graph_module: fx.GraphModule) -> TorchInference:
        return TorchInference(graph_module, self._symbols, self._key)

    def stated_value(self, node: fx.Node) -> Any:
        return node.meta.get(self._key)

    def state_value(self, node: fx.Node, value: object) -> None:
        node.meta[self._key] = value
        node.meta.pop("tensor_meta", None)  # says the same, and is no longer true

    def describe_value(self, value: object) -> str:
        return describe(value)


def describe(value: object) -> str:
    """A value in a few characters: ``f32[s77, 3]``, ``u0 + 1``, ``(f32[u0], i64[])``."""
    if isinstance(value, torch.Tensor):
        dtype = _SHORT.get(value.dtype, str(value.dtype).removeprefix("torch."))
        return f"{dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, (tuple, list)):
        left, right = "()" if isinstance(value, tuple) else "[]"
        return left + ", ".join(map(describe, value)) + right
    return "nothing" if value is None else str(value)


class TorchInference:
    """The values of one module's nodes."""

    def __init__(self, graph_module: fx.GraphModule, symbols: TorchEnv, key: str) -> None:
        self._module = graph_module
        self._symbols = symbols
        self._key = key
        self._mode = fake_mode_of(graph_module.graph, key)
        self._sandbox = _Sandbox(self._mode, symbols)
        self.why = ""
        self._own: dict[Any, Any] = {}
        # torch remembers at a tensor how many of its elements are not zero: the stand-ins of
        # one inference share that, and the stated values are never touched.
        self._stand_ins: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    # ------------------------------------------------------------------ comparing

    def same(self, a: object, b: object) -> bool:
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            return self._same_tensor(a, b)
        if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
            return len(a) == len(b) and all(map(self.same, a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(self.same(a[k], b[k]) for k in a)
        if isinstance(a, _SYMBOLIC) or isinstance(b, _SYMBOLIC):
            return self._same_number(a, b)
        return type(a) is type(b) and bool(a is b or a == b)

    def _same_tensor(self, a: torch.Tensor, b: torch.Tensor) -> bool:
        plain = a.dtype == b.dtype and a.device == b.device and a.layout == b.layout
        if not plain or a.dim() != b.dim():
            return False
        if not all(map(self._same_number, a.size(), b.size())):
            return False
        if a.layout is not torch.strided:
            return True
        if not self._same_number(a.storage_offset(), b.storage_offset()):
            return False
        if all(map(self._same_number, a.stride(), b.stride())):
            return True
        # Where there is no element, strides say nothing.
        facts = self._of_elements(b)
        return all(self._same_number(x, y, facts) for x, y in zip(a.stride(), b.stride()))

    def _of_elements(self, tensor: torch.Tensor) -> Facts:
        """What is known of the sizes of a tensor that has elements."""
        facts = self._symbols.env.facts
        for size in tensor.size():
            found = self._expr(size)
            if not isinstance(found, IntExpr) or found.is_constant:
                continue
            factors = free_symbols(found) if found.op is PRODUCT else (found,)
            for factor in factors:
                with suppress(ContradictionError):
                    claim = make("Ge", factor, 1)
                    facts = facts.given(Fact(claim, "given"))
        return facts

    def _same_number(self, a: object, b: object, facts: Facts | None = None) -> bool:
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        if _learned(a) == _learned(b):
            return True  # as torch sees it by now
        first, second = self._expr(a), self._expr(b)
        if first is None or second is None or first.kind != second.kind:
            return False
        if first is second:
            return True
        if first.kind == "float":
            return False
        facts = self._symbols.env.facts if facts is None else facts
        with suppress(ShapeproofError):
            return entails(facts, equal(first, second), "quick") is not None
        return False

    def _expr(self, value: object) -> Expr | None:
        return self._symbols.value_of(value)

    # ------------------------------------------------------------------ recomputing

    def infer(self, node: fx.Node) -> Any:
        """The value of a node; `NotImplemented` where it cannot be said.

        Raises `ShapeproofError` if the operation certainly fails on such operands.
        """
        self.why = ""
        if node.op == "output":
            return self._result(node)
        if node.op not in ("call_function", "call_method") or self._mode is None:
            return NotImplemented
        if node.op == "call_function" and not _is_pure(node.target):
            return None if _returns_nothing(node.target) else NotImplemented
        sources = node.all_input_nodes
        if any(source.meta.get(self._key) is None for source in sources):
            return NotImplemented
        try:
            with self._sandbox.entered() as sandbox:
                args, kwargs = fx.map_arg((node.args, dict(node.kwargs)), self._operand)
                found = self._called(node, args, kwargs)
                rests = sandbox.rests_on_examples()
                if rests:
                    self.why = f"it rests on `{rests}`, which holds for the example sizes"
                    return NotImplemented
                return self._with_own_symbols(node, found)
        except _UNKNOWABLE:
            return NotImplemented
        except (RuntimeError, TypeError, ValueError, IndexError, ArithmeticError) as error:
            if isinstance(error, ShapeproofError):
                raise
            first = str(error).strip().splitlines()[0:1]
            text = f"{type(error).__name__}: {first[0] if first else ''}"
            raise ShapeproofError(text) from error

    def _stated(self, source: Any) -> Any:
        return source.meta.get(self._key)

    def _operand(self, source: object) -> Any:
        return pytree.tree_map_only(FakeTensor, self._stand_in, self._stated(source))

    def _stand_in(self, tensor: FakeTensor) -> torch.Tensor:
        known = self._stand_ins.get(id(tensor))
        if known is None:
            with tensor.fake_mode, torch.no_grad():
                known = self._stand_ins[id(tensor)] = (tensor, tensor.detach())
        return known[1]

    def _result(self, node: fx.Node) -> Any:
        if node.meta.get(self._key) is None:
            return None  # torch states nothing of an output
        return fx.map_arg(node.args[0], self._stated)

    def _called(self, node: fx.Node, args: Any, kwargs: Mapping[str, Any]) -> Any:
        assert self._mode is not None
        target = node.target
        with self._mode, torch.no_grad():
            if node.op == "call_method":
                found = getattr(args[0], str(target))(*args[1:], **kwargs)
            else:
                found = target(*args, **kwargs)
        stated = node.meta.get(self._key)
        if _is_new(target, stated, found):
            # Where in its own memory a new result begins does not matter.
            with self._mode, torch.no_grad():
                begin = stated.storage_offset()
                found = torch.as_strided(found, found.size(), found.stride(), begin)
        if isinstance(stated, torch.Tensor) and stated.requires_grad:
            found = pytree.tree_map_only(torch.Tensor, _with_gradient, found)
        return found

    def _with_own_symbols(self, node: fx.Node, found: object) -> Any:
        """The value with new symbols replaced by those that the node binds in their places."""
        bindings = node.meta.get("unbacked_bindings") or {}
        own = self._own
        for symbol, path in bindings.items():
            try:
                at = pytree.key_get(found, path)
            except (AttributeError, IndexError, KeyError, TypeError):
                return NotImplemented
            fresh = at.node._expr if isinstance(at, _SYMBOLIC) else None
            if fresh is not None and fresh.is_Symbol:
                own[fresh] = symbol
            elif fresh is not None and len(fresh.free_symbols) == 1:
                (inner,) = fresh.free_symbols  # a condition, or a multiple
                own[inner] = symbol
        numbers = [n for leaf in pytree.tree_leaves(found) for n in _numbers(leaf)]
        symbols = set().union(*(n.node._expr.free_symbols for n in numbers))
        fresh = symbols - self._sandbox.known
        if not fresh <= own.keys():
            return NotImplemented  # nothing says what stands for it
        if not fresh:
            return found
        return pytree.tree_map(lambda leaf: self._renamed(leaf, own), found)

    def _renamed(self, leaf: object, own: Mapping[Any, object]) -> Any:
        if isinstance(leaf, _SYMBOLIC):
            return self._number(leaf, own)
        if not isinstance(leaf, torch.Tensor) or leaf.layout is not torch.strided:
            return leaf
        assert self._mode is not None
        with self._mode, torch.no_grad():
            return torch.as_strided(
                leaf,
                [self._number(size, own) for size in leaf.size()],
                [self._number(stride, own) for stride in leaf.stride()],
                self._number(leaf.storage_offset(), own),
            )

    def _number(self, value: object, own: Mapping[Any, object]) -> Any:
        if not isinstance(value, _SYMBOLIC):
            return value
        written = value.node._expr
        if not written.free_symbols & own.keys():
            return value
        renamed = written.xreplace(own)
        shape_env = value.node.shape_env
        if isinstance(value, torch.SymInt):
            return shape_env.create_symintnode(renamed, hint=None)
        if isinstance(value, torch.SymFloat):
            return shape_env.create_symfloatnode(renamed, hint=None)
        return shape_env.create_symboolnode(renamed)


def _learned(number: object) -> Any:
    """A number with what torch has learned of its symbols put in."""
    return number.node.expr if isinstance(number, _SYMBOLIC) else sympy.sympify(number)


def _numbers(leaf: object) -> list[Any]:
    """The symbolic numbers in a value."""
    if isinstance(leaf, torch.Tensor):
        strided = leaf.layout is torch.strided
        strides = (*leaf.stride(), leaf.storage_offset()) if strided else ()
        return [n for n in (*leaf.size(), *strides) if isinstance(n, _SYMBOLIC)]
    return [leaf] if isinstance(leaf, _SYMBOLIC) else []


# --------------------------------------------------------------------------- what is called


def _is_pure(target: object) -> bool:
    """Whether a function may be called for its result alone."""
    if isinstance(target, torch._ops.OpOverload):
        if torch.Tag.inplace_view in target.tags:
            return False
        return target.namespace in ("aten", "prims", "prim") and bool(target._schema.returns)
    name = getattr(target, "__name__", "")
    if any(getattr(module, name, None) is target for module in _PLAIN_MODULES):
        return True
    if name.startswith("sym_") and getattr(torch, name, None) is target:
        return True
    of_tensors = getattr(torch._C._VariableFunctions, name, None) is target
    return bool(of_tensors and not name.endswith("_") and "seed" not in name)


def _returns_nothing(target: Any) -> bool:
    is_op = isinstance(target, torch._ops.OpOverload)
    return bool(is_op and not target._schema.returns)


def _is_new(target: object, stated: object, found: object) -> bool:
    """Whether a tensor is new memory by its operator's schema, stated to begin elsewhere."""
    if not isinstance(target, torch._ops.OpOverload):
        return False
    if not isinstance(stated, torch.Tensor) or not isinstance(found, torch.Tensor):
        return False
    if found.layout is not torch.strided or stated.layout is not torch.strided:
        return False
    shares = any(result.alias_info is not None for result in target._schema.returns)
    return not shares and _learned(stated.storage_offset()) != _learned(found.storage_offset())


def _with_gradient(tensor: torch.Tensor) -> torch.Tensor:
    if isinstance(tensor, FakeTensor) and tensor.dtype.is_floating_point:
        return tensor.detach().requires_grad_(True)
    return tensor


# --------------------------------------------------------------------------- no traces left

_KEPT: Final = (
    "guards", "axioms", "replacements", "replacements_slocs", "var_to_range",
    "var_to_range_sloc", "divisible", "size_like", "pending_fresh_unbacked_symbols",
    "unbacked_renamings", "unbacked_inputs", "num_deferred_runtime_asserts",
)  # fmt: skip
"""What a computation may add to torch's environment."""


class _Sandbox:
    """Puts torch's environment back to what it was when this was made."""

    def __init__(self, mode: FakeTensorMode | None, symbols: TorchEnv) -> None:
        self._mode = mode
        self._env: Any = None if mode is None else mode.shape_env
        self._symbols = symbols
        self._fresh: dict[str, dict[Any, Any]] = {"var_to_range": {}, "var_to_range_sloc": {}}
        self.known: set[Any] = set()
        """The symbols that there were before."""
        if self._env is None:
            return
        self.known = {*self._env.var_to_range, *self._env.backed_var_to_val}
        self.known |= self._env.unbacked_renamings.keys()
        kept = [name for name in _KEPT if hasattr(self._env, name)]
        self._saved = {name: _copied(getattr(self._env, name)) for name in kept}
        self._asserts = _copied_lists(self._env.deferred_runtime_asserts)
        self._state = self._seen()

    def _seen(self) -> tuple[Any, ...]:
        env = self._env
        counted = (len(env.guards), len(env.var_to_range), len(env.unbacked_renamings))
        return (*counted, env.num_deferred_runtime_asserts, env._version_counter)

    @contextmanager
    def entered(self) -> Iterator[_Sandbox]:
        mode, env = self._mode, self._env
        if mode is None or env is None:
            yield self
            return
        caching = mode.cache_enabled
        mode.cache_enabled = False  # a remembered result does not say what it rests on
        _forget_decisions(env)
        for name, extra in self._fresh.items():
            getattr(env, name).update(extra)
        try:
            with env.ignore_fresh_unbacked_symbols():
                yield self
        finally:
            mode.cache_enabled = caching
            _forget_decisions(env)
            self._keep_fresh()
            self._restore()

    def _keep_fresh(self) -> None:
        """What torch remembers at a tensor names symbols that are gone between two calls."""
        for name, extra in self._fresh.items():
            known = self._saved[name]
            now = getattr(self._env, name)
            extra.update({s: v for s, v in now.items() if s not in known})

    def rests_on_examples(self) -> str:
        """A condition that was decided and does not follow from what is enforced, if any."""
        if self._env is None:
            return ""
        guards = self._env.guards[len(self._saved["guards"]) :]
        return next((str(g.expr) for g in guards if not self._follows(g.expr)), "")

    def _follows(self, condition: object) -> bool:
        try:
            claim = as_condition(self._symbols.read(condition))
            return entails(self._symbols.env.facts, claim, "quick") is not None
        except ShapeproofError:
            return False

    def _restore(self) -> None:
        if self._env is None:
            return
        same_ranges = self._env.var_to_range == self._saved["var_to_range"]
        if same_ranges and self._seen() == self._state:
            return
        for name, value in self._saved.items():
            setattr(self._env, name, _copied(value))
        self._env.deferred_runtime_asserts = _copied_lists(self._asserts)
        # What was computed with other facts must not be remembered.
        self._env._replacements_version_counter += 1
        self._env._version_counter += 1
        self._env._update_version_counter()
        self._state = self._seen()


def _forget_decisions(env: Any) -> None:
    """torch keeps what it has decided by the examples, and does not record it again."""
    kept = getattr(type(env)._inner_evaluate_expr, "cache_clear", None)
    if kept is not None:
        kept()


def _copied(value: object) -> Any:
    return value.copy() if hasattr(value, "copy") else value


def _copied_lists(lists: Any) -> Any:
    made = lists.copy()
    for key, items in lists.items():
        made[key] = list(items)
    return made
