"""The expression kernel: immutable nodes, of which equal ones are the same object.

Three modules make it: `expression` has the root of the classes with Python's operators,
`combinations` the integers as linear combinations (and how they are hash-consed), this one
the nodes of conditions and doubles and the functions that make and intern every kind of
node. It offers the names of all three.

Atoms and relations of integers are interned by operator and their operands' keys, everything
else by operator and operands.

Guarantees: nodes are immutable to everyone outside; `is` decides equality of normal forms;
the tables hold weak references only; nothing here recurses.
Limits: no knowledge about values is used; see `prove` for questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, overload

from shapes.base.budget import spend
from shapes.base.foreign import number, refused
from shapes.base.infinity import IntInfinity
from shapes.errors import ExpressionTypeError
from shapes.expr.combinations import (
    MANY,
    MINUS_INFINITY,
    PLUS_INFINITY,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
    birth_of,
    by_age,
    combine,
    constant,
    from_terms,
    minus,
    plus,
)
from shapes.expr.expression import CONVERSIONS, BoolExpr, Expr, ExprLike, FloatExpr, make
from shapes.expr.hash_consing import (
    BIRTHS,
    BY_OPERANDS,
    BY_SIDE,
    BY_STRUCTURE,
    POINTS,
    completed,
    enter_operands,
    enter_relation,
    enter_structure,
    enter_value,
)
from shapes.expr.opdef import Kind, Op, Value
from shapes.expr.optable import (
    CONSTANT,
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    PRODUCT,
    RELATIONS,
    SUM,
    SYMBOL,
)

__all__ = [
    "CONSTANT",
    "EQ_ZERO",
    "FALSE",
    "LE_ZERO",
    "MANY",
    "MINUS_INFINITY",
    "NE_ZERO",
    "OPERATORS",
    "PLUS_INFINITY",
    "PRODUCT",
    "RELATIONS",
    "SUM",
    "SYMBOL",
    "TRUE",
    "WEIGHT_LIMIT",
    "BoolAtom",
    "BoolConstant",
    "BoolExpr",
    "BoolSymbol",
    "Expr",
    "ExprLike",
    "FloatAtom",
    "FloatConstant",
    "FloatExpr",
    "FloatSymbol",
    "Infinity",
    "IntAtom",
    "IntConstant",
    "IntExpr",
    "IntSymbol",
    "Kind",
    "Op",
    "Product",
    "Sum",
    "Value",
    "View",
    "as_expr",
    "birth_of",
    "bool_operands",
    "by_age",
    "combine",
    "constant",
    "existing_relation",
    "from_terms",
    "int_operands",
    "is_plain",
    "make",
    "make_atom",
    "make_operation",
    "make_product",
    "make_relation",
    "make_view",
    "minus",
    "plus",
    "product_of",
    "side_of",
    "symbol",
]


class View(IntExpr):
    """A remainder as it is read out of a sum; it is never part of an expression."""

    __slots__ = ("args", "op")
    op: Op
    args: tuple[Expr, ...]


class BoolConstant(BoolExpr):
    """True or False."""

    __slots__ = ("_value",)
    op = CONSTANT
    args: tuple[Expr, ...] = ()
    _value: bool

    @property
    def value(self) -> bool:
        return self._value


class FloatConstant(FloatExpr):
    """A double; -0.0 and 0.0 are two, all NaNs are one."""

    __slots__ = ("_value",)
    op = CONSTANT
    args: tuple[Expr, ...] = ()
    _value: float

    @property
    def value(self) -> float:
        return self._value


class BoolAtom(BoolExpr):
    """A condition made by an operator."""

    __slots__ = ("args", "op", "symbols", "weight")
    op: Op
    args: tuple[Expr, ...]
    weight: int
    """How many atomic conditions are in it, counted along every path, up to a limit."""
    symbols: tuple[Expr, ...] | None
    """The symbols in it, once they were asked for (see `interpret.free_symbols`)."""


class BoolSymbol(BoolAtom):
    """A symbol that is true or false."""

    __slots__ = ("_name",)
    _name: str

    @property
    def name(self) -> str:
        return self._name


class FloatAtom(FloatExpr):
    """A double made by an operator."""

    __slots__ = ("args", "op")
    op: Op
    args: tuple[Expr, ...]


class FloatSymbol(FloatAtom):
    """A double-valued symbol."""

    __slots__ = ("_name",)
    _name: str

    @property
    def name(self) -> str:
        return self._name


def as_expr(value: ExprLike) -> Expr:
    """The expression of a Python value; expressions pass through.

    Values that stand for an expression (those with an ``expr`` attribute) and foreign numbers
    that are exactly one of Python's are taken as well. Raises `ExpressionTypeError` for
    anything else.
    """
    if isinstance(value, Expr):
        return value
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int):
        return constant(value if type(value) is int else int.__index__(value))
    if isinstance(value, float):
        return _float_constant(value if type(value) is float else float.__float__(value))
    if isinstance(value, IntInfinity):
        return PLUS_INFINITY if value.sign > 0 else MINUS_INFINITY
    inner = getattr(value, "expr", None)
    if isinstance(inner, Expr):
        return inner
    exact = number(value)
    if exact is not None:
        return as_expr(exact)
    raise ExpressionTypeError(f"{refused(value)} is neither an expression nor a number")


CONVERSIONS.append(as_expr)


def _float_constant(value: float) -> FloatExpr:
    key = (CONSTANT, value.hex())
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if isinstance(found, FloatExpr):
        return found
    node = FloatConstant()
    node._value = value
    return enter_structure(key, node)


@overload
def symbol(name: str, kind: Literal["int"] = "int") -> IntSymbol: ...
@overload
def symbol(name: str, kind: Literal["bool"]) -> BoolSymbol: ...
@overload
def symbol(name: str, kind: Literal["float"]) -> FloatSymbol: ...
@overload
def symbol(name: str, kind: Kind) -> Expr: ...
def symbol(name: Any, kind: Any = "int") -> Expr:  # (compiled code would refuse others itself)
    """The symbol of that name (text) and `Kind`; what is known about it is kept elsewhere.

    Raises `ExpressionTypeError` for an empty name, one that isn't text, or another kind.
    """
    if not isinstance(name, str) or not name:
        raise ExpressionTypeError(f"a symbol's name is a non-empty text, not {name!r}")
    if type(name) is not str:
        name = str.__str__(name)  # (a subclass's instance may hold the symbol)
    key = (name, kind)  # (nothing that the collector follows, and no operator's key)
    entry = BY_OPERANDS.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found
    node: IntSymbol | BoolSymbol | FloatSymbol
    if kind == "int":
        node = IntSymbol()
        node.key = POINTS.draw()
        node.constant = 0
        node.birth = _birth_of_symbol(name)
        node.plain = True
    elif kind == "bool":
        node = BoolSymbol()
        node.weight = 1
        node.symbols = None
    elif kind == "float":
        node = FloatSymbol()
    else:
        raise ExpressionTypeError(f"a symbol is 'int', 'bool' or 'float', not {kind!r}")
    node.op = SYMBOL
    node.args = ()
    node._name = name
    if isinstance(node, IntExpr):
        enter_value(node)  # before others can find it and add something to it
    return enter_operands(key, node)


DIGITS: Final = 12
"""A number behind a letter (`u12`) that is longer makes a name as any other."""


def _birth_of_symbol(name: str) -> int:
    """The age of a new symbol.

    A letter with a number (`s0`, `u12`: what compilers call sizes that nobody named) is
    older than all that has no number, and such are in the order of letter and number: texts
    of them then do not depend on which of them another program used first, whether it is
    alive or not collected yet.
    """
    letter, number = name[0], name[1:]
    numbered = letter.isascii() and letter.isalpha() and number.isascii() and number.isdigit()
    if numbered and len(number) <= DIGITS and (number[0] != "0" or number == "0"):
        return (ord(letter) - 128) * 10**DIGITS + int(number)
    return next(BIRTHS)


WEIGHT_LIMIT: Final = 64


@overload
def make_atom(
    op: Op, args: tuple[Expr, ...], kind: Literal["int"], identity: object = None
) -> IntExpr: ...
@overload
def make_atom(
    op: Op, args: tuple[Expr, ...], kind: Literal["bool"], identity: object = None
) -> BoolExpr: ...
@overload
def make_atom(
    op: Op, args: tuple[Expr, ...], kind: Kind, identity: object = None
) -> Expr: ...
def make_atom(op: Op, args: tuple[Expr, ...], kind: Kind, identity: object = None) -> Expr:
    """The node of an operator on operands of any kind, interned by both.

    `identity` replaces the operands as the key (a set, for a commutative operator).
    """
    key = (op, identity) if identity is not None else (op, *args)
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found
    if kind == "int":
        made = _new_int_atom(op, args, False)
        return enter_structure(key, made)
    if kind == "bool":
        condition = BoolAtom()
        condition.op, condition.args = op, args
        condition.symbols = None
        weights = [a.weight for a in args if isinstance(a, BoolAtom)]
        condition.weight = min(WEIGHT_LIMIT, sum(weights)) if weights else 1
        return enter_structure(key, condition)
    number = FloatAtom()
    number.op, number.args = op, args
    return enter_structure(key, number)


def make_operation(op: Op, a: IntExpr, b: IntExpr) -> IntExpr:
    """The node of an operator (one that only takes two integers) on its operands."""
    key = (op, a.key, b.key)
    entry = BY_OPERANDS.get(key)
    found = entry() if entry is not None else None
    if isinstance(found, IntExpr):
        return found
    plain = type(b) is IntConstant and op.name == "FloorDiv" and is_plain(a)
    return enter_operands(key, _new_int_atom(op, (a, b), plain))


def _new_int_atom(op: Op, args: tuple[Expr, ...], plain: bool) -> IntAtom:
    made = IntAtom()
    made.op = op
    made.args = args
    made.key = POINTS.draw()
    made.constant = 0
    made.birth = next(BIRTHS)
    made.plain = plain
    enter_value(made)
    return made


def _table_of(op: Op) -> int:
    """Which table of `BY_SIDE` has the relations of that operator."""
    return 0 if op is LE_ZERO else 1 if op is EQ_ZERO else 2


def make_relation(op: Op, e: IntExpr) -> BoolExpr:
    """The node of a relation of an integer with 0, interned by both."""
    which = _table_of(op)
    entry = BY_SIDE[which].get(e.key)
    if entry is not None:
        found = entry()
        if found is not None:
            return found
    made = BoolAtom()
    made.op = op
    made.args = (e,)
    made.symbols = None
    made.weight = 1
    return enter_relation(which, e.key, made)


def side_of(relation: Expr) -> IntExpr:
    """The integer that a relation compares with 0."""
    e = relation.args[0]
    assert isinstance(e, IntExpr)
    return e


def int_operands(e: Expr) -> tuple[IntExpr, ...]:
    """The operands of an operator on integers; of `Where` those to choose from."""
    return tuple([operand for operand in e.args if isinstance(operand, IntExpr)])


def bool_operands(e: Expr) -> tuple[BoolExpr, ...]:
    """The operands of a connective."""
    return tuple(operand for operand in e.args if isinstance(operand, BoolExpr))


def existing_relation(op: Op, e: IntExpr) -> Expr | None:
    """The node of a relation of an integer with 0, if it is still referenced."""
    entry = BY_SIDE[_table_of(op)].get(e.key)
    return None if entry is None else entry()


def make_view(op: Op, args: tuple[Expr, ...]) -> IntExpr:
    """The operator as it is read out of a sum: one object for equal operands."""
    key = (View, op, *args)
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if isinstance(found, IntExpr):
        return found
    made = View()
    made.op, made.args = op, args
    return enter_structure(key, made)


def make_product(factors: tuple[tuple[IntExpr, int], ...]) -> IntExpr:
    """The product of powers of atoms; `factors` are in order of age (see `by_age`), without
    repetition.

    One factor to the power of one is that factor.
    """
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    if len(factors) > MANY:
        spend(len(factors))
    key = (PRODUCT, *[part for base, exponent in factors for part in (base.key, exponent)])
    entry = BY_OPERANDS.get(key)
    found = entry() if entry is not None else None
    if isinstance(found, IntExpr):
        return found
    made = Product()
    made.op = PRODUCT
    made.factors = factors
    made.args = tuple(base for base, _ in factors)
    made.key = POINTS.draw()
    made.constant = 0
    made.birth = next(BIRTHS)
    made.plain = _is_plain_product(factors)
    enter_value(made)
    return enter_operands(key, made)


def product_of(powers: Mapping[IntExpr, int]) -> IntExpr:
    """The product of atoms (at least one) to the powers of their exponents."""
    return make_product(tuple(sorted(powers.items(), key=_age_of_factor)))


def _age_of_factor(factor: tuple[IntExpr, int]) -> tuple[int, int]:
    return by_age(factor[0])


def is_plain(e: Expr) -> bool:
    """Whether the form of an integer expression says nothing of its residues but what the
    coefficients of its atoms say."""
    if type(e) is Sum:
        for atom in e._terms or e.terms():  # noqa: SIM110 (asked with every range: no generator)
            if not atom.plain:
                return False
        return True
    return isinstance(e, IntAtom) and e.plain


def _is_plain_product(factors: tuple[tuple[IntExpr, int], ...]) -> bool:
    return all(base.plain for base, _ in factors)


def _make_truth(value: bool) -> BoolConstant:
    node = BoolConstant()
    node._value = value
    return node


completed(  # (those that come and go first: classes are looked for in this order)
    Sum(), BoolAtom(), IntAtom(), IntConstant(), IntSymbol(), Product(), View(), Infinity(),
    BoolConstant(), BoolSymbol(), FloatConstant(), FloatAtom(), FloatSymbol(),
    acyclic=True,
)  # fmt: skip

TRUE: Final = _make_truth(True)
FALSE: Final = _make_truth(False)
