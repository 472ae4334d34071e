"""What dynamo does at a jump by the truth of a value that is known at run time only.

With ``strict=True`` a check that the program makes by ``if`` or ``assert`` is put, as a
`torch._check`, into dynamo's graph, which is traced again: that keeps what it reads, its
message and its line. A jump by the truth of a tensor, which dynamo refuses, becomes one by its
element, so that it is a question like any other; ``not`` of a run-time number that is checked
asks nothing.

Guarantees: behind a write to an input or a buffer, a check stands where the program makes it.
Limits: `torch.export.export` only. Behind a change of an object (a buffer that is replaced),
which dynamo makes at the end of the program, only an ``assert`` is a check, as dynamo has it.
"""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, Final, cast

import torch
from torch import fx
from torch._dynamo import config
from torch._dynamo.symbolic_convert import (
    InstructionTranslatorBase,
    get_assert_bytecode_sequence,
)
from torch._dynamo.variables.base import AttributeMutationExisting, ValueMutationExisting
from torch._dynamo.variables.builder import wrap_fx_proxy
from torch._dynamo.variables.lazy import LazyVariableTracker
from torch._dynamo.variables.misc import NullVariable

from asserts.dialects.torch.export.identity import asking_for_identity
from asserts.dialects.torch.export.interpreted import DYNAMO, Interpreted, is_plain
from asserts.dialects.torch.export.leaving import CHECKING, is_tried, leaves
from asserts.dialects.torch.symbols.record import Text, note_made

__all__ = ["check_interpreted", "interpreters", "jumping", "put_check"]

Handle = Callable[[Any, Any], Any]

_JUMPS: Final = {
    code: name
    for name, code in dis.opmap.items()
    if name.startswith("POP_JUMP") and "NONE" not in name
}
"""Instructions that take one way or the other by the truth of what they take off the stack."""

_NOT: Final = dis.opmap["UNARY_NOT"]
_IS: Final = dis.opmap["IS_OP"]


def interpreters(kind: Any = InstructionTranslatorBase) -> Iterator[Any]:
    """dynamo's classes of interpreters."""
    yield kind
    for one in kind.__subclasses__():
        yield from interpreters(one)


def jumping(kind: Any, decides: Callable[[], bool]) -> list[Any]:
    """The functions of one of these classes for each instruction. Those that jump keep checks
    that are asserted; they ask for the element of a tensor if something `decides` questions.
    """

    def keeping(name: str, handle: Handle) -> Handle:
        def jump(self: Any, instruction: Any) -> Any:
            if self.output.export:
                message = _asserted(self) if "TRUE" in name else None
                if message is not None and _may_catch(self):
                    if decides():
                        _take_element(self)
                    with config.patch(rewrite_assert_with_torch_assert=False):
                        return handle(self, instruction)
                if message is not None:
                    _keep_asserted(self, message)
                elif decides():
                    _take_element(self)
            return handle(self, instruction)

        return jump

    def negating(handle: Handle) -> Handle:
        def negate(self: Any, instruction: Any) -> Any:
            if not (self.output.export and _negate(self)):
                handle(self, instruction)

        return negate

    table: list[Handle] = [
        keeping(_JUMPS[k], one) if k in _JUMPS else one
        for k, one in enumerate(kind.dispatch_table)
    ]
    table[_NOT] = negating(table[_NOT])
    table[_IS] = asking_for_identity(table[_IS])
    return table


# --------------------------------------------------------------------------- what is jumped by

_ASSERTED: Final = [get_assert_bytecode_sequence(with_text) for with_text in (False, True)]
"""What follows the jump of an ``assert``."""


def _asserted(interpreter: Any) -> str | None:
    """The message, if dynamo takes the jump for that of an ``assert``."""
    at = interpreter.instruction_pointer
    for names in _ASSERTED:
        found = interpreter.instructions[at : at + len(names)]
        if [one.opname for one in found] == names:
            texts = [one.argval for one in found if one.opname == "LOAD_CONST"]
            return texts[0] if texts and isinstance(texts[0], str) else ""
    return None


def _may_catch(interpreter: Any) -> bool:
    """Whether the program may catch the error of an ``assert`` itself."""
    function = Interpreted(interpreter)
    if not any(map(_is_guarded, _callers(function))):
        return False
    frame = cast("FrameType", function)
    return is_plain(interpreter) and is_tried(frame) and not leaves(frame, AssertionError)


def _is_guarded(interpreter: Any) -> bool:
    """Whether a handler of the same function, or a context, gets what is raised there. (Since
    Python 3.11 a table says so, before there is a stack.)"""
    instruction = interpreter.current_instruction
    in_table = getattr(instruction, "exn_tab_entry", None) is not None
    return in_table or bool(interpreter.block_stack)


def _keep_asserted(interpreter: Any, message: str) -> None:
    """Make a check of a number that is asserted, before dynamo does, which keeps neither its
    message nor what computes it."""
    value = interpreter.stack[-1]
    is_open = not isinstance(value, LazyVariableTracker)
    number = getattr(value, "sym_num", None) if is_open else None
    if number is None or (number.node.has_hint() and not number):
        return
    _put(interpreter, value, True, message or "assertion error")


def _take_element(interpreter: Any) -> None:
    value = interpreter.stack[-1]
    if isinstance(value, LazyVariableTracker):
        if not (value.is_realized() or isinstance(value.peek_value(), torch.Tensor)):
            return
        value = value.realize()
    if not value.is_tensor():
        return
    example = value.as_proxy().node.meta.get("example_value")
    if example is not None and all(isinstance(n, int) and n == 1 for n in example.shape):
        interpreter.stack[-1] = value.call_method(interpreter, "item", [], {})


def _negate(interpreter: Any) -> bool:
    """``not`` of a run-time number that is the first argument of a check, to which it is a
    condition: elsewhere the program may look whether it is True. False of anything else."""
    value = interpreter.stack[-1]
    if not _is_checked(interpreter.stack) or isinstance(value, LazyVariableTracker):
        return False
    number = getattr(value, "sym_num", None)
    if number is None or number.node.has_hint():
        return False
    of_truth = isinstance(number, torch.SymBool)
    target, *others = (torch.sym_not,) if of_truth else (operator.eq, 0)
    interpreter.stack[-1] = _made(interpreter, target, value.as_proxy(), *others)
    return True


def _is_checked(stack: list[Any]) -> bool:
    """Whether a check is called with what is on top as its first argument. (Below that is what
    is called, with nothing before it, or behind it in Python 3.10 and since 3.13.)"""
    for one in reversed(stack[-3:-1]):
        if one is None or isinstance(one, NullVariable):
            continue
        if isinstance(one, LazyVariableTracker):
            one = one.realize() if one.is_realized() else one.peek_value()
        called = getattr(one, "value", one)
        return any(called is function for function, _ in CHECKING)
    return False


# --------------------------------------------------------------------------- checks


def check_interpreted(
    function: Interpreted, when: bool, message: str, unordered: bool
) -> bool:
    """Put a check into dynamo's graph that what is jumped by has a truth; False if that is not
    known, or if it would not be seen what the program has done to objects before. Of floats
    that are `unordered`, a comparison that does not hold is not the opposite one."""
    value = _jumped_by(sys._getframe(1))
    if value is None or _changes_objects(function):
        return False
    if unordered:
        _put_tensor(function.interpreter, value, message)
    else:
        _put(function.interpreter, value, when, message)
    return True


def _put(interpreter: Any, value: Any, when: bool, message: str) -> None:
    """Check it where its values are known first, or here if the program has written to what
    eager mode leaves behind."""
    output, made = interpreter.output, partial(_made, interpreter)
    if not _writes(output):
        put_check(interpreter, value, when, message)
        return
    value = _condition(interpreter, value, when)
    condition = value.sym_num.node.expr
    made(torch.ops.aten._assert_scalar.default, value.as_proxy(), message)
    note_made(output.shape_env, [condition])  # (the operation has torch defer it)


def put_check(interpreter: Any, value: Any, when: Any, message: str) -> None:
    """Check where its values are known first that a number has a truth, or a value."""
    value = _condition(interpreter, value, when)
    output = interpreter.output
    text = output.register_static_attr_and_return_proxy("_check_message", Text(message))
    _made(interpreter, torch._check, value.as_proxy(), text)


def _condition(interpreter: Any, value: Any, when: Any) -> Any:
    """That a number has a truth, or a value, in dynamo's graph."""
    made = partial(_made, interpreter)
    if not isinstance(when, bool):
        return made(operator.eq, value.as_proxy(), when)
    if not isinstance(value.sym_num, torch.SymBool):
        value = made(operator.ne, value.as_proxy(), 0)
    return value if when else made(torch.sym_not, value.as_proxy())


def _put_tensor(interpreter: Any, value: Any, message: str) -> None:
    """Check here that it does not hold, by a tensor: torch learns nothing from that."""
    made = partial(_made, interpreter)
    held = made(torch.scalar_tensor, value.as_proxy(), dtype=torch.bool)
    other = made(torch.logical_not, held.as_proxy())
    made(torch._assert_async, other.as_proxy(), message)


def _made(interpreter: Any, target: Any, *args: Any, **options: Any) -> Any:
    """A call in dynamo's graph."""
    proxy = interpreter.output.create_proxy("call_function", target, args, options)
    return wrap_fx_proxy(tx=interpreter, proxy=proxy)


def _jumped_by(frame: FrameType | None) -> Any:
    """What dynamo has of the number whose truth decides about a jump."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename == DYNAMO:
            value = frame.f_locals.get("value")
            return value if code.co_name == "inner" and hasattr(value, "sym_num") else None
        frame = frame.f_back
    return None


_EXISTING: Final = (AttributeMutationExisting, ValueMutationExisting)


def _changes_objects(function: Interpreted) -> bool:
    """Whether the program has changed objects of Python's by now that were there before, or
    global variables: dynamo does that at the end of the program."""
    if any(one.symbolic_globals for one in _callers(function)):
        return True
    effects = function.interpreter.output.side_effects
    known = effects.id_to_variable.values()
    known = [v for v in known if isinstance(v.mutation_type, _EXISTING)]
    return any(map(effects.is_modified, known))


def _callers(function: Interpreted | None) -> Iterator[Any]:
    while function is not None:
        yield function.interpreter
        function = function.f_back


def _writes(output: Any) -> bool:
    """Whether the graph so far writes to what is not its own."""
    nodes = output.graph.nodes
    outer = (n.meta.get("example_value") for n in nodes if n.op in ("placeholder", "get_attr"))
    if any(isinstance(one, torch.Tensor) and one._version for one in outer):
        return True
    return any(map(_counts, nodes))


def _counts(node: fx.Node) -> bool:
    """Whether a node may write to statistics of a batch, of which torch keeps no count."""
    name = getattr(node.target, "__name__", node.target)
    return "batch_norm" in str(name) and True in (*node.args, *node.kwargs.values())
