"""Run two programs on the same inputs, valid and invalid ones, and compare what they do.

Both must accept the same inputs, reject the same, and compute the same from those that they
accept, inputs that they change included. The inputs aim at every single check of both
programs (see `verify_inputs`); the rest is drawn with a seed, so a run can be repeated.

Finding no difference is not a proof: none of these inputs shows one. The report therefore
also says which checks no input has broken. Where both reject everything, or run out of memory,
nothing was compared, and that is not equality: some inputs must be accepted by both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from asserts.dialects.hosts import is_onnx
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from asserts.verify.inputs import Generator
from asserts.verify.subject import Stopping, Subject, Trial
from shapes.base import shown_as_text

__all__ = ["Difference", "Outcome", "VerifyReport", "compare", "verify"]


@dataclass(frozen=True)
class Outcome:
    """What a program did: computed a `value`, or `rejected` the inputs with that error, or was
    not `finished`, because there was no memory for it."""

    value: Any = None
    rejected: str | None = None
    finished: bool = True

    def __str__(self) -> str:
        return "accepts them" if self.rejected is None else f"rejects them: {self.rejected}"


@dataclass(frozen=True)
class Difference:
    """Inputs on which the programs differ, and how."""

    trial: Trial
    first: Outcome
    second: Outcome
    how: str
    inputs: str

    def lines(self, names: tuple[str, str]) -> list[str]:
        """In words."""
        found = [f"they differ on these inputs ({self.trial.purpose}):"]
        found += [f"    {line}" for line in self.inputs.splitlines()]
        if self.first.rejected is None and self.second.rejected is None:
            return [*found, f"  both accept them, but {self.how}"]
        pairs = zip(names, (self.first, self.second))
        return [*found, *(f"  {name} {outcome}" for name, outcome in pairs)]


@dataclass(frozen=True, repr=False)
class VerifyReport:
    """What a comparison has found.

    `trials` inputs were run, of which both programs accepted `accepted` and rejected
    `rejected`; `differences` are the others, but for those for which the memory did not
    suffice (`unfinished`). `unbroken` are checks that none of the inputs has broken, `checks`
    how many there are in all. At least `required` inputs must be accepted by both; `left_out`
    inputs were not run because they would take too much memory.
    """

    names: tuple[str, str]
    trials: int
    accepted: int
    rejected: int
    differences: tuple[Difference, ...] = ()
    unbroken: tuple[str, ...] = ()
    checks: int = 0
    seed: int = 0
    required: int = 1
    left_out: int = 0

    @property
    def unfinished(self) -> int:
        """The inputs with which a program ran out of memory."""
        return self.trials - self.accepted - self.rejected - len(self.differences)

    @property
    def verdict(self) -> Literal["equal", "different", "not compared"]:
        """What was found; "not compared" if too few inputs were accepted by both."""
        if self.differences:
            return "different"
        return "equal" if self.accepted >= self.required else "not compared"

    @property
    def equal(self) -> bool:
        """Whether enough was compared, and no difference found."""
        return self.verdict == "equal"

    def __bool__(self) -> bool:
        return self.equal

    def summary(self) -> str:
        """The figures in one sentence."""
        shown = f"both accept {self.accepted} and reject {self.rejected}"
        if self.unfinished:
            shown += f"; there is no memory for {self.unfinished}"
        if self.left_out:
            shown += f"; {self.left_out} more were too large"
        return f"{self._found()} in {self.trials} inputs (seed {self.seed}): {shown}"

    def _found(self) -> str:
        count = len(self.differences)
        if count:
            return f"{count} difference{'' if count == 1 else 's'}"
        if self.equal:
            return "no difference"
        if not self.accepted:
            return "nothing was compared: no input was accepted by both"
        return (
            f"too little was compared: {self.required} inputs accepted by both are required, "
            f"there are {self.accepted}"
        )

    def lines(self) -> list[str]:
        """The report, line by line; of the differences the first."""
        found = [self.summary()]
        if self.checks:
            broken = self.checks - len(self.unbroken)
            found.append(_exercised(broken, self.checks))
        found += [f"  no input broke: {text}" for text in self.unbroken]
        if self.differences:
            found += ["", *self.differences[0].lines(self.names)]
        return found

    def __str__(self) -> str:
        return "\n".join(self.lines())

    _repr_pretty_ = shown_as_text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


Run = Callable[[Sequence[Any]], Any]


def compare(
    first: Run,
    second: Run,
    trials: Iterable[Trial],
    difference: Callable[[Any, Any], str | None],
    shown: Callable[[Trial], str] = str,
) -> tuple[int, int, int, tuple[Difference, ...]]:
    """Run both on every trial: how many trials, accepted by both, rejected by both, and the
    differences.

    `difference` says how two values differ, or None; `shown` writes inputs out. Whatever a
    program raises (an `Exception`) counts as a rejection, but for a lack of memory: such a
    trial is counted as no more than a trial.
    """
    count = accepted = rejected = 0
    found: list[Difference] = []
    for trial in trials:
        count += 1
        a, b = _outcome(first, trial), _outcome(second, trial)
        if not a.finished or not b.finished:
            continue
        if a.rejected is not None and b.rejected is not None:
            rejected += 1
            continue
        how: str | None = "only one accepts them"
        if a.rejected is None and b.rejected is None:
            how = difference(a.value, b.value)
        if how is None:
            accepted += 1
        else:
            found.append(Difference(trial, a, b, how, shown(trial)))
    return count, accepted, rejected, tuple(found)


def _outcome(run: Run, trial: Trial) -> Outcome:
    try:
        return Outcome(run(trial.inputs))
    except Exception as error:
        if is_lack_of_memory(error):
            return Outcome(finished=False)
        lines = str(error).strip().splitlines() or [""]
        return Outcome(rejected=f"{type(error).__name__}: {lines[0]}".rstrip(": "))


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error says nothing of the inputs but that they are large. (torch has an
    error of no class of its own for it.)"""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def verify(
    first: object,
    second: object,
    seed: int = 0,
    trials: int = 50,
    names: tuple[str, str] = ("the first", "the second"),
    min_accepted: int = 1,
) -> VerifyReport:
    """Compare two programs: two of our graph modules, or one and the function that it was
    traced from; a torch `ExportedProgram` and another one or anything that is called like it;
    or two ONNX models, each of which may be given as a path or bytes.

    Every check of both programs is aimed at, and `trials` more inputs are drawn at random. A
    second one that is a function (or isn't an exported program) has no checks at entry, so
    only inputs are tried that those of the first let in: on these the function must raise
    where the program does, and compute the same elsewhere. A function is called by the names
    of its parameters; what was constant in the trace must have a default, or be given with
    `functools.partial`. Programs without inputs are run once. They are equal if
    none of these runs differs, and at least `min_accepted` were accepted by both. Raises
    `GraphError` for programs that cannot be compared.
    """
    subjects = _subjects(first, second)
    _refuse_other_inputs(subjects)
    # Who is called without checks at entry is not to blame for what these would refuse.
    welcome = not all(map(_is_known, subjects))
    generators = [Generator(s, seed, welcome) for s in subjects if _is_known(s)]
    tried = _distinct(generators, trials)
    runs = [subject.run for subject in subjects]
    main = subjects[0]
    count, accepted, rejected, differences = compare(
        runs[0], runs[1], tried, main.difference, main.shown
    )
    checks = dict.fromkeys(text for g in generators for text in g.checks)
    broken = {text for g in generators for text in g.broken}
    broken |= {text for s in subjects if isinstance(s, Stopping) for text in s.stopped}
    unbroken = tuple(text for text in checks if text not in broken)
    left_out = sum(generator.left_out for generator in generators)
    return VerifyReport(
        names, count, accepted, rejected, differences, unbroken, len(checks), seed,
        min_accepted, left_out,
    )  # fmt: skip


def _is_known(subject: Subject) -> bool:
    """Whether it is a program whose inputs and checks can be looked at."""
    return hasattr(subject, "conditions")


def _distinct(generators: Sequence[Generator], trials: int) -> Iterable[Trial]:
    """The trials of all generators, without those of an earlier one."""
    seen: set[Any] = set()
    if not any(generator.subject.inputs for generator in generators):
        alone = Trial("they take no inputs", ())
        seen.add(alone.key)
        yield alone
    share = max(1, len(generators))
    for index, generator in enumerate(generators):
        own = trials // share + (1 if index < trials % share else 0)
        for trial in generator.trials(own):
            if trial.key not in seen:
                seen.add(trial.key)
                yield trial


def _subjects(first: object, second: object) -> tuple[Subject, Subject]:
    if is_onnx(first) or is_onnx(second):
        from asserts.dialects.onnx import trials

        return trials.subjects(first, second)
    if isinstance(first, GraphModule) and isinstance(second, GraphModule):
        from asserts.verify.numpy_programs import NumpySubject

        return NumpySubject(first), NumpySubject(second)
    if isinstance(first, GraphModule) and callable(second) and not _is_program(second):
        from asserts.verify.numpy_programs import FunctionSubject, NumpySubject

        return NumpySubject(first), FunctionSubject(first, second)  # type: ignore[return-value]
    if any(base.__module__.startswith("torch.") for base in type(first).__mro__):
        from asserts.dialects.torch.export import verify as torch_verify

        return torch_verify.subjects(first, second)
    kinds = f"{type(first).__name__} and {type(second).__name__}"
    raise GraphError(f"{kinds} cannot be compared: both must be programs of one framework")


def _is_program(value: object) -> bool:
    """Whether this is a module of a framework, and not a function."""
    return hasattr(value, "graph") or hasattr(value, "graph_module")


def _refuse_other_inputs(subjects: tuple[Subject, Subject]) -> None:
    if not all(map(_is_known, subjects)):
        return
    shown = [", ".join(str(i) for i in subject.inputs) for subject in subjects]
    kinds = [[i.kind for i in subject.inputs] for subject in subjects]
    if kinds[0] != kinds[1]:
        raise GraphError(f"the programs take different inputs: ({shown[0]}) and ({shown[1]})")


def _exercised(broken: int, checks: int) -> str:
    """How many of the checks some input has broken."""
    if checks == 1:
        return f"the check was {'' if broken else 'not '}exercised"
    return f"{'all' if broken == checks else f'{broken} of'} {checks} checks were exercised"
