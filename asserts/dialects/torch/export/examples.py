"""The example's branch, where nothing else decides.

The condition is assumed as it holds for the example inputs, and asserted at run time at the
first point where its values are known: inputs that would go another way are refused, with a
message that says so. Where torch wants the number itself, the number is fixed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import sympy

from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.run_along import example_values, values_of_state
from asserts.dialects.torch.symbols.loaded import is_unbacked
from shapes.errors import ContradictionError
from shapes.expr import BoolExpr, Expr, IntExpr, as_condition, make, negation
from shapes.facts import Fact, bounds
from shapes.traversal import free_symbols

__all__ = ["by_example", "by_state"]


def by_state(question: Question) -> Answer | None:
    """The answer that the model's own parameters and buffers give, which nothing in the
    program changes. It is asserted: they may be changed from outside."""
    values = values_of_state(question.shape_env, question.asked.free_symbols)
    if not values:
        return None
    answer = _taken(question, values, "the model's own state")
    return None if answer is None else replace(answer, assumption=None)


def by_example(question: Question) -> Answer | None:
    """The answer for the example inputs, which is asserted."""
    values = example_values(question.shape_env, question.asked.free_symbols)
    return _taken(question, values, "the example")


def _taken(question: Question, values: dict[Any, Any], of: str) -> Answer | None:
    """The answer for some values, which is asserted."""
    found = question.asked.xreplace(values)
    if found.free_symbols or question.claim is None:
        return None
    holds, claim = _assumed(question.asked, question.claim, found)
    if holds is None or claim is None:
        return None
    text = question.spelled(claim)
    shown = _shown(question, values)
    where = question.line or "the program"
    assumed = f"exported with `{text}` as for {of}{shown}"
    message = f"{assumed}: {where} goes another way otherwise"
    if not question.require(holds, message):
        return None
    _teach(question, claim)
    return Answer(found, f"so it is for {of}{shown}", text, message)


def _teach(question: Question, claim: BoolExpr) -> None:
    """Tell torch what the assumption says of single symbols: from ``Min(10, u) == 10``, it
    would not see that ``u`` is at least 10."""
    ranges = question.shape_env.var_to_range
    with suppress(ContradictionError):
        facts = question.symbols.env.facts.given(Fact(claim, "check"))
        for symbol in question.asked.free_symbols:
            if not is_unbacked(symbol) or not symbol.is_integer:
                continue
            ends = bounds(facts, question.symbols.symbol(symbol)).int_bounds()
            lower, upper = (end if isinstance(end, int) else None for end in ends)
            known = ranges[symbol]
            least = known.lower if lower is None else max(known.lower, lower)
            most = known.upper if upper is None else min(known.upper, upper)
            if least <= most and (least, most) != (known.lower, known.upper):
                question.shape_env.constrain_symbol_range(symbol, least, most)


def _assumed(asked: Any, claim: Expr, found: Any) -> tuple[Any, BoolExpr | None]:
    """The condition under which the answer is right: in torch's terms, and in ours."""
    if found in (sympy.true, sympy.false):
        whole = as_condition(claim)
        return (asked, whole) if found else (sympy.Not(asked), negation(whole))
    if not isinstance(found, sympy.Integer) or not isinstance(claim, IntExpr):
        return None, None
    return sympy.Eq(asked, found), as_condition(make("Eq", claim, int(found)))


def _shown(question: Question, values: dict[Any, Any]) -> str:
    """The numbers of the example, by the user's names, if they have any."""
    symbols = {} if question.claim is None else dict.fromkeys(free_symbols(question.claim))
    named = {s.name: question.named(s) for s in symbols}
    shown = {named.get(s.name, s.name): value for s, value in values.items()}
    if any(name == text for name, text in named.items()) and question.tested is not None:
        return ""
    return f" ({', '.join(f'{name} = {value}' for name, value in sorted(shown.items()))})"
