"""`ShapeEnv`: the mutable door to the engine.

It holds the symbols with their sources and examples, the current facts (an immutable
value; see `declarations` for both), the guards that example sizes have caused, and the
deferred runtime checks; the reasoning itself is elsewhere. A statement that is refused leaves
everything as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from shapes.base.foreign import held, is_sympy
from shapes.base.location import Location, user_location
from shapes.base.logs import INFO, Log
from shapes.domains import Congruence, ValueRanges
from shapes.env.arguments import (
    Claim,
    Quantity,
    claims_of,
    require_origin,
    require_text,
    text_or_none,
)
from shapes.env.declarations import Declarations
from shapes.env.displayed import Displayed
from shapes.env.guards import Guard, GuardFunction
from shapes.env.records import Check, SymbolInfo
from shapes.env.statements import Ledger
from shapes.env.symints import (
    SYMBOLIC,
    Symbolic,
    SymBool,
    SymFloat,
    SymInt,
    spelled_of,
    spelled_of_sympy,
    symbolic,
)
from shapes.errors import (
    DataDependentError,
    ExpressionTypeError,
    UndefinedError,
    UnknownSymbolError,
)
from shapes.expr.booleans import conjunction, equal, negation
from shapes.expr.nodes import TRUE, BoolExpr, Expr, IntExpr, Value, as_expr, constant
from shapes.facts.bounds import bounds
from shapes.facts.exactness import reaches_its_ends
from shapes.facts.store import Fact, Facts, Origin
from shapes.facts.verdict import Verdict
from shapes.prove.quick import decide
from shapes.traversal.definedness import Spelled
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, symbols_of
from shapes.traversal.parsing import parse_spelled, text_size

if TYPE_CHECKING:
    from shapes.prove.ladder import Effort
    from shapes.queries.exact_bounds import ExplainedBounds
    from shapes.queries.overflow import Fit
    from shapes.queries.suggest import Suggestion

__all__ = ["Check", "ShapeEnv", "SymbolInfo"]

GUARDS: Final = Log("guards")
PROVE: Final = Log("prove")


class ShapeEnv(Declarations, Displayed):
    """Symbols, facts, guards and deferred checks of one program."""

    watch: Callable[[Any, str], None] | None = None
    """Called when the "text" or the "hash" of a symbolic value is asked for (by a tracer, to
    which both are unknown), the "value" of an operation that may have none, and one that an
    operator evaluates only under a condition ("guarded"); what it raises
    goes to the caller."""

    def __init__(self) -> None:
        super().__init__()
        self._guards: list[Guard] = []

    def __getitem__(self, name: str) -> Any:
        """The symbol of that name; raises `UnknownSymbolError`."""
        return self.wrap(self._found(name))

    def wrap(self, expr: Expr, defined: BoolExpr = TRUE) -> Any:
        """The expression as a symbolic value of this environment; a constant that has a value
        as a plain number."""
        if expr.is_constant and defined is TRUE:
            return expr.value
        return symbolic(self, expr, defined)

    def spelled(self, value: object) -> Spelled:
        """Expression and definedness of text, an expression, a number or a symbolic value.

        Raises `ExpressionSyntaxError` for text that is none, `UnknownSymbolError` for a name
        that is not this environment's.
        """
        if isinstance(value, str):
            return parse_spelled(value, self._found)
        value = held(value, SYMBOLIC)
        if isinstance(value, Symbolic):
            if value.env is not self:
                raise ExpressionTypeError(f"`{value.expr}` belongs to another environment")
            return Spelled(value.expr, value.defined)
        if is_sympy(value):
            own = {name: info.symbol for name, info in self.symbols.items()}
            found = spelled_of_sympy(value, own)
        else:
            found = spelled_of(value)
        for sym in free_symbols(found.expr):
            if self._found(sym.name) is not sym:
                raise ExpressionTypeError(f"`{sym.name}` is of another kind here")
        return found

    def _claim(self, value: object) -> Spelled:
        found = self.spelled(value)
        if not isinstance(found.expr, BoolExpr):
            raise ExpressionTypeError(f"`{found.expr}` is not a condition")
        return found

    def _whole(self, claim: Claim) -> tuple[BoolExpr, BoolExpr]:
        """What a statement says: that the condition has a value and holds; and the condition
        alone."""
        if type(claim) is SymBool and claim.env is self and claim.defined is TRUE:
            expr = claim.expr
            assert isinstance(expr, BoolExpr)
            self._require_own(expr)
            return expr, expr
        spelled = self._claim(claim)
        expr = spelled.expr
        assert isinstance(expr, BoolExpr)
        whole = expr if spelled.defined is TRUE else conjunction(spelled.defined, expr)
        self._require_own(whole)
        return whole, expr

    def _require_own(self, claim: BoolExpr) -> None:
        """Refuse to state what is about symbols that ended with their scope: nobody could
        read it again."""
        for sym in symbols_of(claim):
            info = self.symbols.get(sym.name)
            if info is None or info.symbol is not sym:
                raise UnknownSymbolError(
                    f"`{sym.name}` was declared in a scope that has ended", name=sym.name
                )

    # ------------------------------------------------------------------ stating

    def assume(self, claim: Claim) -> None:
        """Take a claim for granted from now on (an axiom).

        Raises `ContradictionError` with the culprits if it cannot hold.
        """
        self._state(claim, "assumed")

    def contract(self, claim: Claim) -> None:
        """State what every caller's inputs satisfy (an axiom, enforced at entry)."""
        self._state(claim, "contract")

    def guarantee(self, claim: Claim, operation: str, node: str | None = None) -> None:
        """State what an operation itself ensures, from its node on."""
        self._state(claim, "operation", operation=operation, node=node)

    def _state(
        self,
        claim: Claim,
        origin: Origin,
        operation: str | None = None,
        node: str | None = None,
    ) -> None:
        if operation is not None or node is not None:
            require_text(operation, "an operation")
            require_text(node, "the name of a node")
        self._told.take(self, claim, origin, operation=operation, node=node)

    def check(
        self,
        claim: Claim,
        message: str | None = None,
        origin: str = "user",
        operation: str | None = None,
        location: Location | None = None,
        written: str | None = None,
    ) -> None:
        """State a check that the program makes when it runs (a deferred runtime assert);
        from here on it is known to hold. `written` is how its author put it.

        Raises `ContradictionError` if it can never hold.
        """
        if message is not None or operation is not None:
            require_text(message, "a message")
            require_text(operation, "an operation")
        if origin != "user" or written is not None or location is not None:
            require_origin(origin, location)
            require_text(written, "what is written")
        self._told.take(
            self, claim, "check", written, message, operation, None, location, origin
        )

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Everything that is stated in the block is forgotten at its end, also what other
        threads stated meanwhile: environments that threads share have no scopes, copies do."""
        with self._told.lock:
            told = self._told
            saved = (self.facts, len(told.axioms), len(self._guards), len(told.checks))
            symbols, unnamed = len(self.symbols), self._unbacked
        try:
            yield
        finally:
            with self._told.lock:
                self._go_back(saved, symbols, unnamed)

    def _go_back(self, saved: tuple[Facts, int, int, int], symbols: int, unnamed: int) -> None:
        """Forget what was stated since there was so much."""
        self._know(saved[0])
        del self._told.axioms[saved[1] :]
        del self._guards[saved[2] :]
        del self._told.checks[saved[3] :]
        gone = []
        while len(self.symbols) > symbols:
            gone.append(self.symbols.popitem()[1].symbol)
        if gone:
            self._unbacked = unnamed
            self._told.model.forget(gone)
            for sym in gone:
                self._examples.pop(sym, None)

    # ------------------------------------------------------------------ asking

    def bounds(self, e: Quantity, effort: str = "default") -> ValueRanges:
        """The range of an expression, where it has a value, under what is known: as tight as
        the prover shows without its solver, within a budget of some milliseconds. With effort
        ``exact`` its ends are settled by search with all of the prover, as far as its budget
        lasts (`explain_bounds` says which ends are known to be reached)."""
        if effort != "default":
            return self.explain_bounds(e, effort).range
        seen = self._told.range_at_a_glance(self, e)
        if seen is not None:
            return seen
        expr, defined = self.spelled(e)
        facts = self.facts
        if not isinstance(expr, IntExpr) or (
            defined is TRUE and reaches_its_ends(facts, expr)
        ):
            return bounds(facts, expr)
        from shapes.queries.tight_bounds import tight_bounds

        return tight_bounds(facts, expr, defined).range

    def explain_bounds(self, e: Quantity, effort: str = "default") -> ExplainedBounds:
        """The range of an expression, with the facts that each end rests on."""
        from shapes.queries.exact_bounds import explained_bounds

        expr, defined = self.spelled(e)
        return explained_bounds(self.facts, expr, effort, defined)

    def congruence(self, e: Quantity) -> Congruence:
        """``(m, r)``: the expression leaves the remainder r modulo m where it has a value;
        ``(1, 0)`` says nothing, ``(0, r)`` that it is r."""
        expr, defined = self.spelled(e)
        if not isinstance(expr, IntExpr):
            raise ExpressionTypeError(f"`{expr}` is not an integer expression")
        from shapes.queries.tight_residues import tight_congruence

        return tight_congruence(self.facts, expr, defined)

    def prove(
        self,
        claim: Claim,
        given: Claim | Iterable[Claim] = (),
        effort: str | Effort = "default",
        prepare: bool = False,
    ) -> Verdict:
        """The verdict on a claim, also under further facts `given` with the question.

        `prepare` says that more questions about the same facts follow: if many facts are
        connected with the claim, they are prepared first.
        """
        facts = self.facts
        for one in claims_of(given):
            whole, _ = self._whole(one)
            facts = facts.given(Fact(whole, "given", text_or_none(one)))
        spelled = self._claim(claim)
        from shapes.prove.ladder import prove

        written = text_or_none(claim)
        verdict = prove(
            facts, spelled, written, effort, self._examples, self._told.model.values, prepare
        )
        PROVE.say(INFO, "%s", verdict)
        return verdict

    def decide(self, claim: Claim) -> bool | None:
        """True or False if cheap methods show that the claim always or never holds."""
        spelled = self._claim(claim)
        if spelled.defined is not TRUE and decide(self.facts, spelled.defined) is not True:
            return None
        assert isinstance(spelled.expr, BoolExpr)
        return decide(self.facts, spelled.expr)

    def simplify(self, e: Quantity) -> Any:
        """The smallest and then cheapest expression that the rules reach, with the same value
        wherever this one has one and the facts hold. (Where it has none, the answer may have
        one: ``(x // 0) % 4 // 4`` is 0.) A text is never answered with a larger one: normal
        forms multiply products out, and the answer to ``a*(b + c)`` shows as it was asked.
        """
        from shapes.queries.simplify import simplify

        found = self.wrap(simplify(self.facts, self.spelled(e).expr))
        if isinstance(e, str) and isinstance(found, Symbolic):
            sizes = zip(text_size(str(found.expr)), text_size(e))
            if any(own > asked for own, asked in sizes):
                found.written = e.strip()
        return found

    def suggest(self, claim: Claim, limit: int = 5) -> list[Suggestion]:
        """The weakest simple checks that would make a claim hold, weakest first."""
        from shapes.queries.suggest import suggest

        return suggest(self, claim, limit)

    def fits_int64(self, e: Quantity, bits: int = 64) -> Fit:
        """Whether everything that code for the expression computes fits into 64 bits. What
        never has a value (``x // 0``) does: code raises before there is a result."""
        from shapes.queries.overflow import fits_int64

        return fits_int64(self.facts, self.spelled(e).expr, bits)

    def smtlib(self, claim: Claim) -> str:
        """The question whether a claim can fail, as SMT-LIB text for any solver: "unsat" means
        that it always holds."""
        from shapes.witness.smt import Question, script

        spelled = self._claim(claim)
        broken = negation(spelled.expr)
        connected = self.facts.connected(conjunction(spelled.defined, spelled.expr))
        facts = tuple((f"f{index}", fact.claim) for index, fact in enumerate(connected))
        return script(Question((broken, spelled.defined), facts), self.facts)

    # ------------------------------------------------------------------ deciding

    def truth(self, claim: SymBool) -> bool:
        """The truth of a condition in a branch: known, or from the example sizes with a guard.

        Raises `DataDependentError` where it depends on what is known only at run time.
        """
        known = self.decide(claim)
        if known is not None:
            return known
        expr = claim.expr
        assert isinstance(expr, BoolExpr)
        hints = self._hints(expr, claim.defined)
        location = user_location()
        if hints is None:
            from shapes.env.explain import data_dependent_message

            raise DataDependentError(
                data_dependent_message(self, expr, negation(expr), location)
            )
        holds = bool(evaluated(expr, hints))
        if not evaluated(claim.defined, hints):
            raise UndefinedError(f"`{expr}` has no value for the example sizes")
        self._guard(conjunction(claim.defined, expr if holds else negation(expr)), location)
        return holds

    def specialize(self, value: SymInt) -> int:
        """A concrete integer: what is known, or the example's value with a guard."""
        expr = value.expr
        known = self.bounds(expr)
        if known.is_singleton and decide(self.facts, value.defined):
            assert isinstance(known.lower, int)
            return known.lower
        found = int(self._example(value))
        self._guard(conjunction(value.defined, equal(expr, constant(found))), user_location())
        return found

    def _example(self, value: Symbolic) -> Any:
        """The value for the examples; raises `DataDependentError` if a symbol has none,
        `UndefinedError` if the expression has no value for them."""
        hints = self._hints(value.expr, value.defined)
        if hints is None:
            raise DataDependentError(self._no_value(value.expr))
        if not evaluated(value.defined, hints):
            raise UndefinedError(f"`{value.expr}` has no value for the example sizes")
        return evaluated(value.expr, hints)

    def specialize_float(self, value: SymFloat) -> float:
        """A concrete double: the example's value, with a guard."""
        found = float(self._example(value))
        # NaN is what is not equal to itself.
        same = equal(value.expr, as_expr(found))
        held = negation(equal(value.expr, value.expr)) if math.isnan(found) else same
        claim = conjunction(value.defined, held)
        if claim is not TRUE:
            self._guard(claim, user_location())
        return found

    def _no_value(self, expr: Expr) -> str:
        from shapes.env.explain import described

        location = user_location()
        lines = [f"the value of `{expr}` is needed before the program runs"]
        if location is not None:
            lines.append(f"    asked at {location}")
        lines += [f"    {described(self, sym)}" for sym in free_symbols(expr)]
        lines.append("keep it symbolic, or fix it with")
        lines.append(f"    asserts.check({expr} == <the value>)")
        return "\n".join(lines)

    def _guard(self, claim: BoolExpr, location: Location | None) -> None:
        fact = Fact(claim, "guard", location=location)
        with self._told.lock:
            self._take(fact)
            self._guards.append(Guard(claim, location))
        GUARDS.say(INFO, "%s", fact)

    def _hints(self, *exprs: Expr) -> dict[Expr, Value] | None:
        """Example values of all symbols, or None if one has none."""
        hints: dict[Expr, Value] = {}
        for sym in free_symbols(*exprs):
            info = self.symbols.get(sym.name)
            if info is None or info.symbol is not sym or info.hint is None:
                return None
            hints[sym] = info.hint
        return hints

    # ------------------------------------------------------------------ reading

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The guards so far, in order."""
        return tuple(self._guards)

    @property
    def checks(self) -> tuple[Check, ...]:
        """The deferred runtime checks so far, in order."""
        return self._told.every_check()

    @property
    def axioms(self) -> tuple[Fact, ...]:
        """What is known without any check, in the order in which it was stated."""
        with self._told.lock:
            self._told.facts()
            return tuple(self._told.axioms)

    def guard_function(self) -> GuardFunction:
        """All guards as one compiled function."""
        return GuardFunction(
            self._guards, {name: info.source for name, info in self.symbols.items()}
        )

    # ------------------------------------------------------------------ saving

    def __copy__(self) -> ShapeEnv:
        """An environment of its own that knows the same."""
        new = type(self).__new__(type(self))
        with self._told.lock:
            for name, value in vars(self).items():
                if isinstance(value, (dict, list)):
                    value = value.copy()
                setattr(new, name, value.copied() if isinstance(value, Ledger) else value)
        return new

    def __deepcopy__(self, memo: dict[int, Any]) -> ShapeEnv:
        new = memo[id(self)] = self.__copy__()  # all else in it is immutable
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)

    def to_json(self) -> str:
        """The environment as versioned text."""
        from shapes.env.serialize import env_to_json

        with self._told.lock:
            return env_to_json(self)

    @staticmethod
    def from_json(text: str) -> ShapeEnv:
        """The environment that was saved; raises `SerializationError` for damaged text."""
        from shapes.env.serialize import env_from_json

        return env_from_json(text)

    @staticmethod
    def from_url(url: str, key: str | None = None, timeout: float = 30.0) -> ShapeEnv:
        """The environment that a service keeps there (see ``shapeproof serve``), with an API
        key; raises `OSError` or `SerializationError`."""
        from shapes.env.remote import env_from_url

        return env_from_url(url, key, timeout)
