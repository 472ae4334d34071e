"""z3 as it is called from Python, with nothing in front of it; and our way of calling it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import MEANING, Relation, build

__all__ = ["ENGINES", "Z3", "OurZ3", "Z3Push"]


class Z3(Engine):
    """A fresh solver for every question; facts and questions are translated beforehand."""

    name: ClassVar[str] = "z3"
    peer: ClassVar[str] = "z3"
    module: ClassVar[str] = "z3"
    what: ClassVar[str] = "z3: a fresh solver for each question"
    importing: ClassVar[str | None] = "import z3"

    def __init__(self) -> None:
        super().__init__()
        import z3  # noqa: F401

    def version(self) -> str:
        import z3

        return str(z3.get_version_string())

    def entailments(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> Callable[[], list[bool]]:
        import z3

        stated, denied = self._translated(names, facts, questions)

        def run() -> list[bool]:
            answers = []
            for question in denied:
                solver = z3.Solver()
                solver.add(stated)
                solver.add(question)
                answers.append(solver.check() == z3.unsat)
            return answers

        return run

    def _translated(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> tuple[list[Any], list[Any]]:
        import z3

        symbols = {name: z3.Int(name) for name in names}
        # z3's integer division rounds as Python's does where the divisor is positive.
        operators = {**MEANING, "//": lambda a, b: a / b}
        stated = [build(fact, symbols, operators) for fact in facts]
        return stated, [z3.Not(build(q, symbols, operators)) for q in questions]


class Z3Push(Z3):
    """One solver with all facts; each question between push and pop."""

    name: ClassVar[str] = "z3-push"
    what: ClassVar[str] = "z3: one solver, push and pop"
    importing: ClassVar[str | None] = None

    def entailments(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> Callable[[], list[bool]]:
        import z3

        stated, denied = self._translated(names, facts, questions)
        solver = z3.Solver()
        solver.add(stated)

        def run() -> list[bool]:
            answers = []
            for question in denied:
                solver.push()
                solver.add(question)
                answers.append(solver.check() == z3.unsat)
                solver.pop()
            return answers

        return run


class OurZ3(Engine):
    """Only the last method of our prover: z3 on the facts connected to the question."""

    name: ClassVar[str] = "ours-z3"
    peer: ClassVar[str] = "ours"
    module: ClassVar[str] = "shapes"
    what: ClassVar[str] = "Shapeproof: its z3 method alone"

    def __init__(self) -> None:
        super().__init__()
        import z3  # noqa: F401

        import shapes  # noqa: F401

    def version(self) -> str:
        from importlib.metadata import version

        return version("shapeproof")

    def entailments(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> Callable[[], list[bool]]:
        from shapes.prove.ladder import EFFORTS, Effort, entails
        from tests.benchmarks.engines.ours import stated

        env, claims = stated(names, facts, questions)
        known = env.facts
        effort = Effort(("z3",), search=0, rlimit=EFFORTS["default"].rlimit)
        return lambda: [entails(known, c.expr, effort) is not None for c in claims]


ENGINES = [Z3, Z3Push, OurZ3]
