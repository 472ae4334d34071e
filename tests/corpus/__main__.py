"""The engine's score on the corpus, by family.

For each family: how many questions there are, how many were decided and by which tier, how
many answers are wrong (must be 0), how many were decided by a later tier than the question
expects, how many list a premise that follows from the facts (``spare``), and the time from
the facts as text to the answer, each question in a fresh environment (z3 is warmed up
before). A question whose answer depends counts for the search if the search finds both
assignments with z3 turned off, else for z3.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from shapes.prove.ladder import EFFORTS, Effort
from tests.corpus.ask import Answer, ask, decided, fault, tier, without_solver
from tests.corpus.questions import FAMILIES, TIERS, Question, load, read


@dataclass
class Score:
    """The counts of one family."""

    number: int = 0
    decided: int = 0
    wrong: int = 0
    later: int = 0
    spare: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count the other's questions too."""
        self.number += other.number
        self.decided += other.decided
        self.wrong += other.wrong
        self.later += other.later
        self.spare += other.spare
        self.tiers += other.tiers
        self.seconds += other.seconds


def by_tier(question: Question, answer: Answer, effort: Effort) -> str:
    """The tier that decided; `raised` for facts or claims that the engine refused."""
    verdict = answer.verdict
    if verdict is None:
        return "raised"
    if verdict.proof is not None:
        return tier(verdict.proof.method)
    bare = without_solver(effort)
    if bare == effort:
        return "search"
    return "search" if ask(question, bare).word == answer.word else "z3"


def scored(question: Question, effort: Effort, repeat: int) -> tuple[Score, str | None]:
    """One question's score, and a line about it if it is not as it should be."""
    try:
        answers = [ask(question, effort) for _ in range(repeat)]
    except Exception as error:
        raised = f"WRONG    {question.place}: raised {error!r}: {question}"
        return Score(number=1, wrong=1, seconds=[0.0]), raised
    answer = min(answers, key=lambda a: a.seconds)
    score = Score(number=1, seconds=[answer.seconds])
    wrong = fault(question, answer)
    if wrong is not None:
        score.wrong = 1
        return score, f"WRONG    {question.place}: {wrong}: {question}"
    if not decided(question, answer):
        said = answer.word if answer.verdict is None else _tried(answer)
        return score, f"unknown  {question.place}: {said}: {question}"
    score.decided = 1
    line: str | None = None
    by = by_tier(question, answer, effort)
    score.tiers[by] += 1
    if answer.verdict is not None and answer.verdict.premises and not question.premise:
        score.spare = 1
        shown = ", ".join(map(str, answer.verdict.premises))
        line = f"spare    {question.place}: the premise {shown}: {question}"
    order = {name: place for place, name in enumerate(TIERS)}
    if order.get(by, 0) > order[question.tier]:
        score.later = 1
        line = f"later    {question.place}: by {by}: {question}"
    return score, line


def _tried(answer: Answer) -> str:
    assert answer.verdict is not None
    return "; ".join((answer.word, *answer.verdict.tried))


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time that this share of the questions do not exceed, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_table(scores: dict[str, Score]) -> None:
    """One row for each family, and the sum."""
    found = {name for score in scores.values() for name in score.tiers}
    tiers = [t for t in TIERS if t in found] + sorted(found - set(TIERS))
    heads = ["number", "decided", *tiers, "wrong", "later", "spare", "median", "99 %"]
    width = max(map(len, scores))
    print(" " * width, *(f"{head:>9}" for head in heads))
    for family, s in scores.items():
        counts = [s.number, s.decided, *(s.tiers[t] for t in tiers), s.wrong, s.later, s.spare]
        times = [f"{1000 * median(s.seconds):.3f}", f"{percentile(s.seconds, 0.99):.2f}"]
        print(f"{family:{width}}", *(f"{cell:>9}" for cell in [*counts, *times]))


def warm_up() -> None:
    """Load z3, and everything else that is imported at first use."""
    line = "x*x*y >= 10; y*y*x <= 90 |- x*x*x != 6*y + 3 : DEPENDS @ z3"
    for question in read("warm", [line]):
        ask(question, "thorough")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the score; returns how many answers are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus", description="The engine's score on the corpus."
    )
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument("--effort", default="default", choices=EFFORTS)
    parser.add_argument("--no-z3", action="store_true", help="turn the last tier off")
    parser.add_argument("--repeat", type=int, default=1, help="runs; the quickest counts")
    parser.add_argument(
        "--show-failures",
        action="store_true",
        help="list what is undecided, decided by a later tier than expected, or with a "
        "premise too many (what is wrong is always listed)",
    )
    chosen = parser.parse_args(arguments)
    effort = EFFORTS[chosen.effort]
    if chosen.no_z3:
        effort = without_solver(effort)
    warm_up()
    scores: dict[str, Score] = {}
    total = Score()
    for question in load(chosen.families):
        score, line = scored(question, effort, chosen.repeat)
        scores.setdefault(question.family, Score()).add(score)
        total.add(score)
        if line is not None and (chosen.show_failures or line.startswith("WRONG")):
            print(line)
    print_table({**scores, "all": total})
    cheap = total.decided - total.tiers["z3"]
    print(
        f"decided {100 * total.decided / total.number:.1f} %, "
        f"without z3 {100 * cheap / total.number:.1f} %, milliseconds per question"
    )
    return total.wrong


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
