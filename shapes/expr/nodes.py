"""The expression kernel: immutable nodes, of which equal ones are the same object.

An integer expression is a linear combination over *atoms* (symbols, products, floor
divisions, minima, ...). Every atom draws a random 128-bit number when it is made, and every
combination is known by the value that it takes at that point: ``key = constant +
sum(coefficient * atom.key)``, an exact integer. Two combinations that differ agree there
with probability at most 2**-128, whatever their constants, because the difference is a
non-zero linear form in the drawn numbers; the numbers come from the system's generator and
are never shown. So the intern table of integers is one dictionary from key to node, and the
sum of two expressions costs one addition and one look-up, however long they are: the terms
are written out when somebody reads them (`IntExpr.terms`), from a short rope of pending
additions. A chain that cancels down to one symbol ends in the very object of that symbol,
because the key is the symbol's.

Atoms and relations of integers are interned by operator and their operands' keys, everything
else by operator and operands.

Guarantees: nodes are immutable to everyone outside; `is` decides equality of normal forms;
the tables hold weak references only; nothing here recurses.
Limits: no knowledge about values is used; see `prover` for questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

from shapes.base.budget import spend
from shapes.base.foreign import number, refused
from shapes.base.infinity import IntInfinity, int_oo
from shapes.errors import ExpressionTypeError
from shapes.expr.hash_consing import (
    BIRTHS,
    BY_OPERANDS,
    BY_STRUCTURE,
    BY_VALUE,
    KEPT,
    POINTS,
    completed,
    enter_operands,
    enter_structure,
    enter_value,
)
from shapes.expr.opdef import (
    CONSTANT,
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    PRODUCT,
    SUM,
    SYMBOL,
    Kind,
    Op,
    Value,
)

__all__ = [
    "CONSTANT",
    "EQ_ZERO",
    "FALSE",
    "LE_ZERO",
    "MINUS_INFINITY",
    "NE_ZERO",
    "OPERATORS",
    "PLUS_INFINITY",
    "PRODUCT",
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
    "combine",
    "constant",
    "existing_relation",
    "from_terms",
    "is_plain",
    "make",
    "make_atom",
    "make_operation",
    "make_product",
    "make_relation",
    "make_view",
    "minus",
    "plus",
    "symbol",
]

# --------------------------------------------------------------------------- nodes


class Expr:
    """An expression; `op` and `args` say what it is made of, `kind` what values it takes.

    ``==`` between expressions is identity, which is equality of normal forms; the relation
    is written ``Eq(a, b)``. The other operators build expressions.
    """

    __slots__ = ("__weakref__",)
    kind: Kind
    op: Op
    _weakrefs: Any
    """Where the compiled build keeps what `__weakref__` stands for (see `_native.c`)."""

    @property
    def args(self) -> tuple[Expr, ...]:
        """The operands."""
        raise NotImplementedError

    @property
    def is_constant(self) -> bool:
        """Whether this is a number or a truth value."""
        return self.op is CONSTANT

    @property
    def value(self) -> Value:
        """The value of a constant; raises `ExpressionTypeError` for anything else."""
        raise ExpressionTypeError(f"`{self}` is not a constant")

    @property
    def is_symbol(self) -> bool:
        """Whether this is a symbol."""
        return self.op is SYMBOL

    @property
    def name(self) -> str:
        """The name of a symbol; raises `ExpressionTypeError` for anything else."""
        raise ExpressionTypeError(f"`{self}` is not a symbol")

    def __str__(self) -> str:
        from shapes.traversal.printing import abbreviated

        return abbreviated(self)

    def __repr__(self) -> str:
        from shapes.traversal.printing import brief

        return f"<{self.kind} {brief(self, 400)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from shapes.traversal.parsing import parse_saved, saved

        return parse_saved, saved(self)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self

    def __bool__(self) -> bool:
        if self.is_constant:
            return bool(self.value)
        raise ExpressionTypeError(
            f"the truth of `{self}` is not known here; ask an environment: env.prove(...)"
        )

    def __lt__(self, other: ExprLike) -> BoolExpr:
        return make("Lt", self, other)  # type: ignore[return-value]

    def __le__(self, other: ExprLike) -> BoolExpr:
        return make("Le", self, other)  # type: ignore[return-value]

    def __gt__(self, other: ExprLike) -> BoolExpr:
        return make("Gt", self, other)  # type: ignore[return-value]

    def __ge__(self, other: ExprLike) -> BoolExpr:
        return make("Ge", self, other)  # type: ignore[return-value]

    def __add__(self, other: ExprLike) -> Expr:
        return make("Add", self, other)

    def __radd__(self, other: ExprLike) -> Expr:
        return make("Add", other, self)

    def __sub__(self, other: ExprLike) -> Expr:
        return make("Sub", self, other)

    def __rsub__(self, other: ExprLike) -> Expr:
        return make("Sub", other, self)

    def __mul__(self, other: ExprLike) -> Expr:
        return make("Mul", self, other)

    def __rmul__(self, other: ExprLike) -> Expr:
        return make("Mul", other, self)

    def __floordiv__(self, other: ExprLike) -> Expr:
        return make("FloorDiv", self, other)

    def __rfloordiv__(self, other: ExprLike) -> Expr:
        return make("FloorDiv", other, self)

    def __truediv__(self, other: ExprLike) -> Expr:
        return make("TrueDiv", self, other)

    def __rtruediv__(self, other: ExprLike) -> Expr:
        return make("TrueDiv", other, self)

    def __mod__(self, other: ExprLike) -> Expr:
        return make("Mod", self, other)

    def __rmod__(self, other: ExprLike) -> Expr:
        return make("Mod", other, self)

    def __pow__(self, other: ExprLike) -> Expr:
        return make("Pow", self, other)

    def __rpow__(self, other: ExprLike) -> Expr:
        return make("Pow", other, self)

    def __lshift__(self, other: ExprLike) -> Expr:
        return make("LShift", self, other)

    def __rlshift__(self, other: ExprLike) -> Expr:
        return make("LShift", other, self)

    def __rshift__(self, other: ExprLike) -> Expr:
        return make("RShift", self, other)

    def __rrshift__(self, other: ExprLike) -> Expr:
        return make("RShift", other, self)

    def __and__(self, other: ExprLike) -> Expr:
        return make("BitAnd", self, other)

    def __rand__(self, other: ExprLike) -> Expr:
        return make("BitAnd", other, self)

    def __or__(self, other: ExprLike) -> Expr:
        return make("BitOr", self, other)

    def __ror__(self, other: ExprLike) -> Expr:
        return make("BitOr", other, self)

    def __xor__(self, other: ExprLike) -> Expr:
        return make("BitXor", self, other)

    def __rxor__(self, other: ExprLike) -> Expr:
        return make("BitXor", other, self)

    def __invert__(self) -> Expr:
        return make("BitNot", self)

    def __neg__(self) -> Expr:
        return make("Neg", self)

    def __pos__(self) -> Expr:
        return make("Add", self, 0)

    def __abs__(self) -> Expr:
        return make("Abs", self)


class IntExpr(Expr):
    """An integer expression.

    `key` is its value at the kernel's secret point, `constant` its constant part.
    """

    __slots__ = ("constant", "key")
    kind: Kind = "int"
    key: int
    constant: int
    birth: int = 4611686018427387904  # behind every atom
    plain: bool = False
    _bulk: int = 1
    _pending: int = 0

    def terms(self) -> Mapping[IntExpr, int]:
        """The coefficients by atom, without the constant part (not to be changed)."""
        raise NotImplementedError

    # Sums are the hot path: they go straight to the kernel.
    def __add__(self, other: ExprLike) -> Expr:
        if isinstance(other, IntExpr):
            return plus(self, other)
        return make("Add", self, other)

    def __sub__(self, other: ExprLike) -> Expr:
        if isinstance(other, IntExpr):
            return minus(self, other)
        return make("Sub", self, other)

    def __neg__(self) -> Expr:
        return combine(-1, self, 0, self)


class BoolExpr(Expr):
    """A condition."""

    __slots__ = ()
    kind: Kind = "bool"


class FloatExpr(Expr):
    """An IEEE double."""

    __slots__ = ()
    kind: Kind = "float"


ExprLike: TypeAlias = Expr | int | bool | float | IntInfinity

_NO_TERMS: Final[Mapping[IntExpr, int]] = {}


class IntConstant(IntExpr):
    """An integer; its key is its value."""

    __slots__ = ()
    op = CONSTANT
    args: tuple[Expr, ...] = ()

    @property
    def value(self) -> int:
        return self.constant

    def terms(self) -> Mapping[IntExpr, int]:
        return _NO_TERMS


class Infinity(IntExpr):
    """`int_oo` or `-int_oo`: allowed in comparisons, `Min`, `Max` and plain sums."""

    __slots__ = ("_end",)
    op = CONSTANT
    args: tuple[Expr, ...] = ()
    _end: IntInfinity

    @property
    def value(self) -> IntInfinity:
        return self._end

    def terms(self) -> Mapping[IntExpr, int]:
        raise ExpressionTypeError("int_oo is the end of a range, not an integer")


class IntAtom(IntExpr):
    """What a linear combination is made over; `birth` orders atoms by age.

    An atom is `plain` if its form says nothing of its residues: a symbol, a product of
    symbols, a floor division of such by a constant.
    """

    __slots__ = ("args", "birth", "op", "plain")
    op: Op
    args: tuple[Expr, ...]

    def terms(self) -> Mapping[IntExpr, int]:
        return {self: 1}


class IntSymbol(IntAtom):
    """An integer symbol."""

    __slots__ = ("_name",)
    _name: str

    @property
    def name(self) -> str:
        return self._name


class Product(IntAtom):
    """A product of powers of atoms; `factors` are (base, exponent >= 1) in order of age."""

    __slots__ = ("factors",)
    factors: tuple[tuple[IntExpr, int], ...]


MANY: Final = 6
"""More terms than these are counted as steps; fewer cost as much as what makes them."""

SHORT: Final = 8
"""Sums of so few terms are written out on the way to others."""


class Sum(IntExpr):
    """A linear combination that is neither a constant nor a single atom.

    It holds either its terms, or a pending ``p*a + q*b + k`` from which they are made when
    somebody asks. A rope never grows longer than the terms below it, so reading it costs
    no more than making it did.
    """

    __slots__ = ("_bulk", "_direction", "_pending", "_rope", "_terms", "_view")
    op = SUM
    _terms: dict[IntExpr, int] | None
    _rope: tuple[int, IntExpr, int, IntExpr] | None
    _pending: int
    _bulk: int
    _view: tuple[int, tuple[IntExpr, ...], tuple[int, ...]] | None
    _direction: tuple[int, IntExpr | None] | None

    def terms(self) -> Mapping[IntExpr, int]:
        if self._terms is None and not self._written_at_once():
            self._write_out()
        return self._terms  # type: ignore[return-value]

    @property
    def args(self) -> tuple[Expr, ...]:
        return tuple(sorted(self.terms(), key=birth_of))

    def _write_out(self) -> None:
        """Make the terms from the rope: the largest part is copied, the rest added to it."""
        parts: list[tuple[int, Mapping[IntExpr, int]]] = []
        single: list[tuple[IntExpr, int]] = []
        stack: list[tuple[int, IntExpr]] = [(1, self)]
        while stack:
            factor, node = stack.pop()
            if type(node) is not Sum:
                if isinstance(node, IntAtom):
                    single.append((node, factor))
                continue
            # Another thread may write this node out now: its terms come before the rope goes.
            rope = node._rope
            if rope is not None:
                p, a, q, b = rope
                if q:
                    stack.append((factor * q, b))
                stack.append((factor * p, a))
            else:
                parts.append((factor, node.terms()))
        largest, most = -1, -1
        for place, (factor, mapping) in enumerate(parts):
            if factor == 1 and len(mapping) > most:
                largest, most = place, len(mapping)
        terms = dict(parts.pop(largest)[1]) if largest >= 0 else {}
        for factor, mapping in parts:
            for atom, c in mapping.items():
                terms[atom] = terms.get(atom, 0) + factor * c
        for atom, c in single:
            terms[atom] = terms.get(atom, 0) + c
        if 0 in terms.values():
            terms = {atom: c for atom, c in terms.items() if c}
        self._settle(terms)

    def _written_at_once(self) -> bool:
        """The usual case: the rope's two parts are written out already, or short (then this
        recurses no deeper than they have terms)."""
        rope = self._rope
        if rope is None:
            return True
        p, a, q, b = rope
        if type(a) is Sum and a._terms is None and a._bulk > SHORT:
            return False
        if type(b) is Sum and b._terms is None and b._bulk > SHORT:
            return False
        if q == 1 and a._bulk < b._bulk:
            p, a, q, b = q, b, p, a
        left = a.terms()
        terms = dict(left) if p == 1 else {atom: p * c for atom, c in left.items()}
        if isinstance(b, IntAtom):
            total = terms.get(b, 0) + q
            if total:
                terms[b] = total
            else:
                terms.pop(b, None)
        elif q:
            for atom, c in b.terms().items():
                total = terms.get(atom, 0) + q * c
                if total:
                    terms[atom] = total
                else:
                    del terms[atom]
        self._settle(terms)
        return True

    def _settle(self, terms: dict[IntExpr, int]) -> None:
        if len(terms) > MANY:
            spend(len(terms))
        self._terms = terms
        self._rope = None
        self._pending = 0
        self._bulk = len(terms)


def _add_term(terms: dict[IntExpr, int], atom: IntExpr, c: int) -> None:
    total = terms.get(atom, 0) + c
    if total:
        terms[atom] = total
    else:
        terms.pop(atom, None)


birth_of: Final[Callable[[IntExpr], int]] = attrgetter("birth")
"""The age of an atom (a sum in a product counts as youngest): the order of display."""


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
    """The symbols in it, once somebody has asked (see `interpret.free_symbols`)."""


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


# --------------------------------------------------------------------------- making


def make(name: str, *args: ExprLike) -> Expr:
    """The normal form of an operator of the grammar on these operands.

    Raises `ExpressionTypeError` for operands that the operator does not take.
    """
    build = OPERATORS[name].build
    if build is None:
        raise ExpressionTypeError(f"{name} cannot be built by name")
    return build(*[a if isinstance(a, Expr) else as_expr(a) for a in args])


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


SMALL: Final = 1024
"""Constants up to this size stay once they are made."""


def constant(value: int) -> IntExpr:
    """The integer as an expression."""
    entry = BY_VALUE.get(value)
    if entry is not None:
        found = entry()
        if found is not None:
            return found  # type: ignore[return-value]
    node = IntConstant()
    node.key = node.constant = value
    entered = enter_value(node)
    if -SMALL <= value <= SMALL:
        KEPT.append(entered)
    return entered


def _float_constant(value: float) -> FloatExpr:
    key = (CONSTANT, value.hex())
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found  # type: ignore[return-value]
    node = FloatConstant()
    node._value = value
    return enter_structure(key, node)  # type: ignore[return-value]


def symbol(name: Any, kind: Any = "int") -> Expr:
    """The symbol of that name (text) and `Kind`; what is known about it is kept elsewhere.

    Raises `ExpressionTypeError` for an empty name, one that is no text, or another kind.
    """
    if not isinstance(name, str) or not name:
        raise ExpressionTypeError(f"a symbol's name is a non-empty text, not {name!r}")
    key = (SYMBOL, name, kind)
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found
    node: IntSymbol | BoolSymbol | FloatSymbol
    if kind == "int":
        node = IntSymbol()
        node.key = POINTS.draw()
        node.constant = 0
        node.birth = next(BIRTHS)
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
    return enter_structure(key, node)


WEIGHT_LIMIT: Final = 64


def make_atom(op: Op, args: tuple[Expr, ...], kind: Kind, identity: Any = None) -> Expr:
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
    if found is not None:
        return found  # type: ignore[return-value]
    plain = type(b) is IntConstant and op.name == "FloorDiv" and is_plain(a)
    return enter_operands(key, _new_int_atom(op, (a, b), plain))  # type: ignore[return-value]


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


def make_relation(op: Op, e: IntExpr) -> BoolExpr:
    """The node of a relation of an integer with 0, interned by both."""
    key = (op, e.key)
    entry = BY_OPERANDS.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found  # type: ignore[return-value]
    made = BoolAtom()
    made.op = op
    made.args = (e,)
    made.symbols = None
    made.weight = 1
    return enter_operands(key, made)  # type: ignore[return-value]


def existing_relation(op: Op, e: IntExpr) -> Expr | None:
    """The node of a relation of an integer with 0, if somebody holds it."""
    entry = BY_OPERANDS.get((op, e.key))
    return None if entry is None else entry()


def make_view(op: Op, args: tuple[Expr, ...]) -> IntExpr:
    """The operator as it is read out of a sum: one object for equal operands."""
    key = (View, op, *args)
    entry = BY_STRUCTURE.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found  # type: ignore[return-value]
    made = View()
    made.op, made.args = op, args
    return enter_structure(key, made)  # type: ignore[return-value]


def make_product(factors: tuple[tuple[IntExpr, int], ...]) -> IntExpr:
    """The product of powers of atoms; `factors` are in order of key, without repetition.

    One factor to the power of one is that factor.
    """
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    if len(factors) > MANY:
        spend(len(factors))
    key = (PRODUCT, *[part for base, exponent in factors for part in (base.key, exponent)])
    entry = BY_OPERANDS.get(key)
    found = entry() if entry is not None else None
    if found is not None:
        return found  # type: ignore[return-value]
    made = Product()
    made.op = PRODUCT
    made.factors = factors
    made.args = tuple(base for base, _ in sorted(factors, key=lambda f: birth_of(f[0])))
    made.key = POINTS.draw()
    made.constant = 0
    made.birth = next(BIRTHS)
    made.plain = _is_plain_product(factors)
    enter_value(made)
    return enter_operands(key, made)  # type: ignore[return-value]


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


def combine(p: int, a: IntExpr, q: int, b: IntExpr, k: int = 0) -> IntExpr:
    """``p*a + q*b + k``, in time that does not depend on the length of the operands.

    Raises `ExpressionTypeError` where `int_oo` has no sum (``int_oo - int_oo``).
    """
    key = p * a.key + q * b.key + k
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):  # int_oo - int_oo
            return found  # type: ignore[return-value]
    return _new_sum(key, p, a, q, b, k)


def plus(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a + b``: `combine` without its factors."""
    key = a.key + b.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):
            return found  # type: ignore[return-value]
    return _new_sum(key, 1, a, 1, b, 0)


def minus(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a - b``: `combine` without its factors."""
    key = a.key - b.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None and (key or type(a) is not Infinity):
            return found  # type: ignore[return-value]
    return _new_sum(key, 1, a, -1, b, 0)


def _new_sum(key: int, p: int, a: IntExpr, q: int, b: IntExpr, k: int) -> IntExpr:
    if type(a) is Infinity or type(b) is Infinity:
        return _infinite_sum(p, a, q, b)
    fixed = p * a.constant + q * b.constant + k
    if key == fixed:
        return constant(fixed)
    if a._bulk == 1 == b._bulk:
        return _short_sum(key, p, a, q, b, fixed)
    if p == 0:
        p, a, q = q, b, 0
    pending = 1 + a._pending + b._pending
    node = Sum()
    node.key = key
    node.constant = fixed
    node._terms = None
    node._view = None
    node._direction = None
    node._rope = (p, a, q, b)
    node._pending = pending
    node._bulk = bulk = 1 + a._bulk + b._bulk
    if pending > 16 + bulk - pending:
        node.terms()
    return enter_value(node)


def _short_sum(key: int, p: int, a: IntExpr, q: int, b: IntExpr, k: int) -> IntExpr:
    """A new sum of two that have at most one term: its terms take no more room than a rope."""
    terms: dict[IntExpr, int] = {}
    if p and type(a) is Sum:
        for atom, c in a.terms().items():
            terms[atom] = p * c
    elif p and type(a) is not IntConstant:
        terms[a] = p
    if q and type(b) is Sum:
        for atom, c in b.terms().items():
            _add_term(terms, atom, q * c)
    elif q and type(b) is not IntConstant:
        _add_term(terms, b, q)
    return _written_sum(key, terms, k)


def _infinite_sum(p: int, a: IntExpr, q: int, b: IntExpr) -> IntExpr:
    ends = set()
    for factor, part in ((p, a), (q, b)):
        if type(part) is Infinity and factor:
            ends.add(part._end.sign * (1 if factor > 0 else -1))
    if len(ends) != 1:
        raise ExpressionTypeError("int_oo - int_oo has no value")
    return PLUS_INFINITY if ends == {1} else MINUS_INFINITY


def from_terms(terms: Mapping[IntExpr, int], k: int) -> IntExpr:
    """The linear combination with these coefficients by atom, and constant `k`."""
    key = k
    if len(terms) > MANY:
        spend(len(terms))
    for atom, coefficient in terms.items():
        key += coefficient * atom.key
    entry = BY_VALUE.get(key)
    if entry is not None:
        found = entry()
        if found is not None:
            return found  # type: ignore[return-value]
    if key == k:
        return constant(k)
    return _written_sum(key, {atom: c for atom, c in terms.items() if c}, k)


def _written_sum(key: int, terms: dict[IntExpr, int], k: int) -> IntExpr:
    """A new sum of that key, with terms of which none is 0."""
    node = Sum()
    node.key = key
    node.constant = k
    node._terms = terms
    node._rope = None
    node._view = None
    node._direction = None
    node._pending = 0
    node._bulk = len(terms)
    return enter_value(node)


def _make_infinity(end: IntInfinity) -> Infinity:
    node = Infinity()
    node._end = end
    node.constant = 0
    node.key = POINTS.draw()
    return node


def _make_truth(value: bool) -> BoolConstant:
    node = BoolConstant()
    node._value = value
    return node


completed(
    IntConstant(), Infinity(), IntAtom(), IntSymbol(), Product(), Sum(), View(),
    BoolConstant(), BoolAtom(), BoolSymbol(), FloatConstant(), FloatAtom(), FloatSymbol(),
)  # fmt: skip

TRUE: Final = _make_truth(True)
FALSE: Final = _make_truth(False)
PLUS_INFINITY: Final = _make_infinity(int_oo)
MINUS_INFINITY: Final = _make_infinity(-int_oo)
