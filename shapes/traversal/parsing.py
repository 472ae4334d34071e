"""Text to expressions, through a whitelist.

One grammar everywhere: Python's expressions with ``+ - * / // % ** << >> & | ^ ~``,
comparisons (chains too), ``and or not``, integers, floats, ``int_oo``, ``True``, ``False``,
and the operators of the table by name (``Min``, ``CeilDiv``, ``Where``, ``abs``, ...).
``==`` between two conditions means "if and only if". A name is an identifier or a path such
as ``tokens.shape[0]``. Anything else is an error that points at its column. Nothing is ever
evaluated by Python.

The parser keeps its own stacks (Dijkstra's shunting yard), so depth costs no recursion.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, NoReturn

from shapes.base.digits import read_decimal
from shapes.base.infinity import int_oo
from shapes.errors import ExpressionSyntaxError, ExpressionTypeError, ShapeproofError
from shapes.expr.nodes import OPERATORS, Expr, Kind, Op, as_expr, constant, symbol
from shapes.expr.operators import named_functions
from shapes.traversal.definedness import Spelled, spell, spell_chain
from shapes.traversal.printing import PRECEDENCE

__all__ = [
    "NAME",
    "Make",
    "Parser",
    "Pending",
    "Token",
    "is_name",
    "parse",
    "parse_spelled",
    "text_size",
]

Lookup = Callable[[str], Expr]
Symbols = Mapping[str, Expr] | Lookup | None
Make = Callable[[Op, Sequence[Spelled]], Spelled]

NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*|\[\d+\])*"
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_WORDS = frozenset(("and", "or", "not"))
_CHAINED = frozenset(("and", "or"))
_SIGNS: dict[str, Op] = {}
"""The operator that every sign stands for, whatever the kinds of its operands."""
for _op in OPERATORS.values():
    if _op.infix is not None and "f" not in _op.operands:
        _SIGNS.setdefault(_op.infix, _op)
_PREFIX = {"-": "Neg", "~": "BitNot", "not": "Not", "+": "Pos"}
_INSTEAD = {
    "=": "`==` for equality", "=>": "`>=`, or `Implies(a, b)`", "=<": "`<=`",
    "&&": "`and`", "||": "`or`", "<>": "`!=`",
    "!": "`not`, or `!=`",
    "?": "`Where(condition, a, b)`",
    "≤": "`<=`", "≥": "`>=`", "≠": "`!=`", "·": "`*`", "×": "`*`", "÷": "`/` or `//`",
    "√": "`sqrt(x)`", "∞": "`int_oo`", "∧": "`and`", "∨": "`or`", "¬": "`not`",
}  # fmt: skip
"""What is written here for signs of other notations."""
_MEANT = {
    "ceil": "`ceil` of a quotient is `CeilDiv(a, b)`, of a double `CeilToInt(x)`",
    "floor": "`floor` of a quotient is `a // b`, of a double `FloorToInt(x)`",
    "round": "`round` of a double is `RoundToInt(x)`, to digits `RoundDecimal(x, digits)`",
    "trunc": "`trunc` of a quotient is `TruncDiv(a, b)`, of a double `TruncToInt(x)`",
    "int": "`int` of a double is `TruncToInt(x)`",
    "float": "`float` of an integer is `ToFloat(n)`",
    "bool": "write a condition, such as `n != 0`",
    "pow": "write `a ** b`",
    "divmod": "write `a // b` and `a % b`",
    "sum": "write a sum with `+`",
    "len": "a size has a name of its own",
    "all": "write `a and b`",
    "any": "write `a or b`",
    "ite": "write `Where(condition, a, b)`",
    "If": "write `Where(condition, a, b)`",
    "Piecewise": "write `Where(condition, a, b)`",
    "cdiv": "write `CeilDiv(a, b)`",
}
"""What to write for functions of Python's and others'."""
SHORT: Final = 100
"""Integers of fewer digits are read by Python in no time."""

_RESERVED = frozenset(keyword.kwlist) | {"int_oo"}


@cache
def _token() -> re.Pattern[str]:
    """A token of the grammar; compiled when the first text is read, because that takes longer
    than loading the rest of this module."""
    return re.compile(
        rf"""\s*(?:
        (?P<float>{_DIGITS}\.(?:{_DIGITS})?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?
            |{_DIGITS}[eE][+-]?[0-9]+)
        |(?P<int>0[xX][0-9a-fA-F]+|0[bB][01]+|{_DIGITS})
        |(?P<name>{NAME})
        |(?P<op>\*\*|//|<<|>>|<=|>=|==|!=|[-+*/%&|^~<>(),]))""",
        re.VERBOSE,
    )


class Token:
    __slots__ = ("column", "kind", "text")

    def __init__(
        self, kind: Literal["float", "int", "name", "op", "end"], text: str, column: int
    ) -> None:
        self.kind = kind
        self.text = text
        self.column = column


class Pending:
    """An operator, an open parenthesis or an open call, with its place."""

    __slots__ = ("column", "depth", "kind", "level", "text")

    def __init__(
        self,
        kind: Literal["prefix", "binary", "chain", "compare", "(", "call"],
        text: str,
        level: int,
        column: int,
        depth: int,
    ) -> None:
        self.kind = kind
        self.text = text
        self.level = level
        self.column = column
        self.depth = depth


def is_name(text: object) -> bool:
    """Whether a symbol can be called so and found again in text."""
    return (
        isinstance(text, str)
        and re.fullmatch(NAME, text) is not None
        and text not in _RESERVED
        and text not in named_functions()
    )


def parse(text: str, symbols: Symbols = None) -> Expr:
    """The expression that the text spells.

    `symbols` finds a name's symbol (a mapping, or a function that raises for a name that it
    does not know); without it, every name is an integer symbol. Raises
    `ExpressionSyntaxError` with the column of what is wrong.
    """
    return parse_spelled(text, symbols).expr


def parse_spelled(text: str, symbols: Symbols = None) -> Spelled:
    """Like `parse`, with the condition under which what is written has a value."""
    if not isinstance(text, str):
        raise ExpressionTypeError(f"an expression is text, not {type(text).__name__}")
    return Parser(text, symbols).run()


def text_size(text: str) -> tuple[int, int]:
    """How long a text of the grammar is: its operators and operands (parentheses and commas
    left out), and its characters without spaces."""
    tokens = [token.text for token in Parser(text, None)._tokens()[:-1]]
    return sum(token not in "()," for token in tokens), sum(map(len, tokens))


def parse_saved(text: str, kinds: tuple[tuple[str, Kind], ...], *parts: Any) -> Expr:
    """What pickles of earlier versions name here; it is in `saved`."""
    from shapes.traversal.saved import parse_saved as read

    return read(text, kinds, *parts)


def _without_sign(functions: Mapping[str, Op]) -> list[str]:
    """The names that have no shorter spelling."""
    plain = (name for name, op in functions.items() if op.infix is None)
    return sorted(name for name in plain if not name.startswith(("Float", "Int", "abs")))


class Parser:
    """Reads one text; `saved` has another way to make expressions of it."""

    def __init__(self, text: str, symbols: Symbols) -> None:
        self._text = text
        self._symbols = symbols
        self._functions = named_functions()
        self._values: list[Spelled] = []
        self._pending: list[Pending] = []
        self._operand_next = True

    def _fail(self, reason: str, column: int) -> NoReturn:
        raise ExpressionSyntaxError(reason, self._text, column)

    def run(self) -> Spelled:
        tokens = self._tokens()
        for position, token in enumerate(tokens):
            if token.kind == "end":
                break
            if self._operand_next:
                self._operand(token, tokens[position + 1])
            else:
                self._operator(token)
        end = tokens[-1].column
        if self._operand_next:
            self._fail("an operand is missing" if self._text.strip() else "no expression", end)
        self._reduce(0)
        if self._pending:
            self._fail("this parenthesis is never closed", self._pending[-1].column)
        return self._values[0]

    def _tokens(self) -> list[Token]:
        tokens: list[Token] = []
        position = 0
        for match in _token().finditer(self._text):
            if match.start() != position:
                break
            kind: Any = match.lastgroup
            text = match[kind]
            position = match.end()
            if kind == "name" and text in _WORDS:
                kind = "op"
            tokens.append(Token(kind, text, position - len(text) + 1))
        position = len(self._text) - len(self._text[position:].lstrip())
        if position < len(self._text):
            found = self._text[position]
            advice = _INSTEAD.get(self._text[position : position + 2], _INSTEAD.get(found))
            said = f"unexpected {found!r}" + (f"; write {advice}" if advice else "")
            self._fail(said, position + 1)
        tokens.append(Token("end", "", len(self._text) + 1))
        return tokens

    # ------------------------------------------------------------------ operands

    def _operand(self, token: Token, following: Token) -> None:
        if token.kind == "op":
            self._prefix_or_open(token)
            return
        if token.kind == "name" and following.text == "(":
            if token.text not in self._functions:
                self._fail(self._unknown_function(token.text), token.column)
            self._pending.append(
                Pending("call", token.text, 0, token.column, len(self._values))
            )
            self._operand_next = True
            return
        self._values.append(Spelled(self._leaf(token)))
        self._operand_next = False

    def _unknown_function(self, name: str) -> str:
        """What is said of a function that there is not, with those that may be meant."""
        alike = [known for known in self._functions if known.lower() == name.lower()]
        meant = _MEANT.get(name)
        if meant is None and not alike:
            from difflib import get_close_matches

            alike = get_close_matches(name, self._functions, 3)
        if meant is None and alike:
            meant = f"did you mean {' or '.join(f'`{known}`' for known in alike)}?"
        if meant is None:
            meant = f"there are {', '.join(_without_sign(self._functions))}"
        return f"unknown function `{name}`: {meant}"

    def _leaf(self, token: Token) -> Expr:
        text = token.text
        if token.kind == "int":
            if len(text) < SHORT and text.isdecimal() and (text[0] != "0" or len(text) == 1):
                return constant(int(text))
            if text[0] == "0" and len(text) > 1 and text[1] in "xXbB":
                return constant(int(text, 0))
            if text[0] == "0" and text.strip("0_"):
                self._fail("an integer does not begin with 0", token.column)
            if len(text) > 4000:
                self._fail("integers this long are written in hexadecimal", token.column)
            return constant(read_decimal(text.replace("_", "")))
        if token.kind == "float":
            return as_expr(float(text))
        if text == "int_oo":
            return as_expr(int_oo)
        if text in ("True", "False"):
            return as_expr(text == "True")
        if text in _RESERVED:
            self._fail(f"`{text}` is not part of the grammar", token.column)
        if text in self._functions:
            self._fail(f"`{text}` is a function and needs parentheses", token.column)
        return self._lookup(text, token.column)

    def _lookup(self, name: str, column: int) -> Expr:
        if self._symbols is None:
            return symbol(name)
        if not isinstance(self._symbols, Mapping):
            return self._symbols(name)
        found = self._symbols.get(name)
        if found is None:
            self._fail(f"unknown symbol `{name}`", column)
        return found

    def _prefix_or_open(self, token: Token) -> None:
        if token.text == "(":
            called = self._pending and self._pending[-1].kind == "call"
            if called and self._pending[-1].level == 0:
                # The parenthesis of the call itself: from here on it is open.
                self._pending[-1].level = -1
                return
            self._pending.append(Pending("(", "(", -1, token.column, len(self._values)))
        elif token.text == ")" and self._pending and self._is_empty_call():
            self._close(token)
        elif token.text in _PREFIX:
            negates = token.text == "not"
            level = PRECEDENCE["not" if negates else "unary"]
            if negates and self._pending and self._pending[-1].level > level:
                self._fail("`not` after an operator needs parentheses", token.column)
            self._pending.append(
                Pending("prefix", token.text, level, token.column, len(self._values))
            )
        else:
            advice = _INSTEAD.get(self._text[max(token.column - 2, 0) : token.column])
            said = f"an operand is missing before `{token.text}`"
            self._fail(f"{said}; write {advice}" if advice else said, token.column)

    def _is_empty_call(self) -> bool:
        top = self._pending[-1]
        return top.kind == "call" and top.depth == len(self._values)

    # ------------------------------------------------------------------ operators

    def _operator(self, token: Token) -> None:
        text = token.text
        if token.kind != "op" or text in ("~", "not", "("):
            self._fail(f"an operator is missing before `{text}`", token.column)
        if text == ")":
            self._close(token)
        elif text == ",":
            self._reduce(0)
            if not self._pending or self._pending[-1].kind != "call":
                self._fail("a comma outside of a call", token.column)
            self._operand_next = True
        elif text not in PRECEDENCE:
            self._reduce(PRECEDENCE["compare"] + 1)
            self._push("compare", token, PRECEDENCE["compare"])
        else:
            level = PRECEDENCE[text]
            chained = text in _CHAINED
            self._reduce(level + 1 if chained or text == "**" else level)
            self._push("chain" if chained else "binary", token, level)

    def _push(
        self, kind: Literal["binary", "chain", "compare"], token: Token, level: int
    ) -> None:
        pending = Pending(kind, token.text, level, token.column, len(self._values))
        self._pending.append(pending)
        self._operand_next = True

    def _close(self, token: Token) -> None:
        self._reduce(0)
        if not self._pending:
            self._fail("this parenthesis was never opened", token.column)
        opened = self._pending.pop()
        if opened.kind == "call":
            operands = self._values[opened.depth :]
            del self._values[opened.depth :]
            self._apply(self._functions[opened.text], operands, opened)
        self._operand_next = False

    def _reduce(self, level: int) -> None:
        """Apply what waits and binds at least that tightly, down to an open parenthesis."""
        while self._pending and self._pending[-1].level >= max(level, 1):
            if self._pending[-1].kind == "compare":
                self._reduce_comparisons()
                continue
            if self._pending[-1].kind == "chain":
                self._reduce_connectives()
                continue
            top = self._pending.pop()
            if top.kind == "prefix":
                operand = self._values.pop()
                if top.text == "+":
                    self._apply(OPERATORS["Add"], [operand, Spelled(constant(0))], top)
                else:
                    self._apply(OPERATORS[_PREFIX[top.text]], [operand], top)
            else:
                right, left = self._values.pop(), self._values.pop()
                self._apply(_SIGNS[top.text], [left, right], top)

    def _reduce_comparisons(self) -> None:
        """``a < b <= c`` is ``a < b and b <= c``."""
        chain: list[Pending] = []
        while self._pending and self._pending[-1].kind == "compare":
            chain.append(self._pending.pop())
        chain.reverse()
        operands = self._values[-len(chain) - 1 :]
        del self._values[-len(chain) - 1 :]
        for index, compare in enumerate(chain):
            pair = [operands[index], operands[index + 1]]
            self._apply(_SIGNS[compare.text], pair, compare)
        if len(chain) > 1:
            links = self._values[-len(chain) :]
            del self._values[-len(chain) :]
            self._apply(OPERATORS["And"], links, chain[0])

    def _reduce_connectives(self) -> None:
        """``a and b and c`` at once."""
        last = self._pending[-1].text
        operands = [self._values.pop()]
        while self._pending[-1:] and self._pending[-1].text == last:
            first = self._pending.pop()
            operands.append(self._values.pop())
        operands.reverse()
        self._apply(_SIGNS[last], operands, first, spell_chain)

    def _apply(self, op: Op, operands: list[Spelled], at: Pending, made: Make = spell) -> None:
        wanted = len(op.operands)
        if len(operands) != wanted and not (op.variadic and len(operands) >= 1):
            count = f"at least {wanted}" if op.variadic else str(wanted)
            self._fail(f"`{at.text}` takes {count} operands, not {len(operands)}", at.column)
        try:
            self._values.append(made(op, operands))
        except ExpressionSyntaxError:
            raise
        except ShapeproofError as error:
            self._fail(f"{error}", at.column)
