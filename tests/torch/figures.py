"""``python -m tests.torch.figures``: the asserts of the corpus, torch's and ours, by kind and
by what each was proved from, and what exports.

With ``--models`` transformers' models are measured, too; with ``--kept`` every assert that
stays is listed.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.conditions.report import Report, Row
from asserts.dialects.torch import installed
from asserts.dialects.torch.symbols.shape_env import ENTRY
from tests.torch.programs import CORPUS, Program
from tests.torch.torch_help import asserts_of, decomposed, exported, metadata_asserts_of

OURS_ALONE = ("HalvedUp", "Unrelated")
"""Programs with a check that torch loses, and ours makes."""


def main(arguments: Sequence[str]) -> int:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    programs(show_kept="--kept" in arguments)
    if "--models" in arguments:
        models()
    return 0


def quietly(run: Callable[[], ExportedProgram]) -> ExportedProgram | None:
    """The program, or None where torch cannot decide; torch prints its graph then."""
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            return run()
    except GuardOnDataDependentSymNode:
        return None


def programs(show_kept: bool) -> None:
    print("scalar asserts at export, and after another tracing")
    print(f"{'program':26}{'torch':>7}{'ours':>6}{'minimised':>11}{'strict':>8}"
          f"{'torch again':>13}{'ours again':>12}")  # fmt: skip
    total: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    proofs: Counter[str] = Counter()
    kept: list[tuple[str, Row]] = []
    alone = with_opinion = 0
    for program in CORPUS:
        torchs = quietly(lambda p=program: exported(p, ours=False))  # type: ignore[misc]
        with installed(decide=True):
            ours = quietly(lambda p=program: exported(p))  # type: ignore[misc]
        alone += torchs is not None
        with_opinion += ours is not None
        if ours is None:
            print(f"{program.name:26}  does not export")
            continue
        counts = counted(program, torchs, ours)
        print(f"{program.name:26}" + "".join(
            f"{'-' if n is None else n:>{w}}" for n, w in zip(counts, (7, 6, 11, 8, 13, 12))
        ))  # fmt: skip
        if torchs is None:
            continue
        for name, n in zip(COLUMNS, counts):
            total[name] += n or 0
            total[f"enforcing {name}"] += 0 if program.name in OURS_ALONE else n or 0
        report = asserts.minimise(torchs).report
        classify(report, kinds, proofs)
        kept += [(program.name, row) for row in asserts.minimise(ours).report
                 if row.outcome == "kept"]  # fmt: skip
    summary(total, alone, with_opinion)
    table("torch's scalar asserts after minimising, by who stated them", kinds)
    listed("what the discharged ones were proved from", proofs)
    if show_kept:
        for name, row in kept:
            print(f"    {name}: {row.condition}  [{row.stated_by}]")


COLUMNS = ("torch", "ours", "minimised", "strict", "torch again", "ours again")


def counted(
    program: Program, torchs: ExportedProgram | None, ours: ExportedProgram
) -> list[int | None]:
    """Numbers of scalar asserts, in the order of `COLUMNS`."""
    smaller = asserts.minimise(ours).program
    strict = asserts.minimise(ours, policy="strict").program
    again = None if torchs is None else decomposed(torchs, ours=False)
    ours_again = asserts.minimise(decomposed(smaller)).program
    found = (torchs, ours, smaller, strict, again, ours_again)
    return [None if one is None else len(asserts_of(one)) for one in found]


def classify(
    report: Report, kinds: dict[str, Counter[str]], proofs: Counter[str]
) -> None:
    for row in report:
        if " has dtype" in row.condition:
            continue
        kinds.setdefault(row.stated_by, Counter())[row.outcome] += 1
        if row.outcome == "discharged":
            proofs[proved_from(row)] += 1


def proved_from(row: Row) -> str:
    if row.proof is None or not row.proof.facts:
        return "nothing (always true)"
    sources = sorted({
        "what callers are held to" if fact.operation == ENTRY
        else "what operations guarantee" if fact.origin == "operation"
        else "other asserts"
        for fact in row.proof.facts
    })  # fmt: skip
    return " and ".join(sources)


def summary(total: Counter[str], alone: int, with_opinion: int) -> None:
    print()
    for name in COLUMNS[1:4]:
        fewer = 100 * (1 - total[name] / total["torch"])
        same = 100 * (1 - total[f"enforcing {name}"] / total["enforcing torch"])
        print(f"{name}: {total['torch']} -> {total[name]} ({fewer:.0f} % fewer; {same:.0f} % "
              f"without the {len(OURS_ALONE)} programs with a check that torch loses)")  # fmt: skip
    fewer = 100 * (1 - total["ours again"] / total["torch again"])
    print(f"after another tracing: {total['torch again']} -> {total['ours again']} "
          f"({fewer:.0f} % fewer)")  # fmt: skip
    print(f"programs that export: {alone} of {len(CORPUS)} with torch alone, "
          f"{with_opinion} with the second opinion")  # fmt: skip


def table(title: str, kinds: dict[str, Counter[str]]) -> None:
    print(f"\n{title}")
    for kind, outcomes in sorted(kinds.items()):
        shown = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
        print(f"    {kind}: {shown}")


def listed(title: str, counts: Counter[str]) -> None:
    print(f"\n{title}")
    for name, n in counts.most_common():
        print(f"    {n:3} {name}")


def models() -> None:
    import torch

    from tests.torch.transformer_models import MODELS

    print("\nasserts of dtype, device and layout")
    before_all = after_all = 0
    for model in MODELS:
        with torch.no_grad():
            made: Any = torch.export.export(
                model.built(), (), model.sample, dynamic_shapes=model.shapes, strict=False
            )
        smaller = asserts.minimise(made).program
        before, after = len(metadata_asserts_of(made)), len(metadata_asserts_of(smaller))
        scalar = len(asserts_of(made)), len(asserts_of(smaller))
        print(f"{model.name:26}{before:>7}{after:>6}   (scalar: {scalar[0]} -> {scalar[1]})")
        before_all, after_all = before_all + before, after_all + after
    print(f"{'all':26}{before_all:>7}{after_all:>6}   "
          f"({100 * (1 - after_all / before_all):.0f} % fewer)")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
