"""The generated part of the corpus: families of templates with random coefficients.

``python -m tests.corpus.generate`` rewrites what stands behind the mark in each family's
file, byte for byte the same each time: every template draws from a generator of its own,
seeded with its name. A draw is kept if enumeration confirms the claim and shows that each
neighbour is false somewhere; a draw that is not tight enough for that is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.corpus.questions import FAMILIES, FOLDER, MARK, Question, load, read
from tests.corpus.templates import TEMPLATES, Draw
from tests.corpus.verify import problem

__all__ = ["section", "sections"]

ATTEMPTS = 400
Key = tuple[object, ...]


def sections() -> Iterator[tuple[str, str]]:
    """Each family with its generated lines."""
    for family in FAMILIES:
        yield family, section(family)


def section(family: str) -> str:
    """The generated lines of one family, without the mark."""
    lines: list[str] = []
    picked = {_key(q) for q in load([family]) if not q.generated}
    for template, wanted in TEMPLATES.get(family, ()):
        lines += ["", f"# {(template.__doc__ or '').splitlines()[0]}"]
        for block in _kept(family, template, wanted, picked):
            lines += block
    return "\n".join(lines[1:])


def _kept(
    family: str, template: Callable[[Random], Draw], wanted: int, taken: set[Key]
) -> Iterator[tuple[str, ...]]:
    """So many blocks whose question is not taken yet; theirs are taken then."""
    random = Random(f"{family}/{template.__name__}")
    kept = 0
    for _ in range(ATTEMPTS):
        if kept == wanted:
            return
        block = template(random).lines()
        questions = list(read(family, block))
        key = _key(questions[0])
        if key in taken or any(problem(q) is not None for q in questions):
            continue
        taken.add(key)
        kept += 1
        yield block
    if kept < wanted:
        name = f"{family}/{template.__name__}"
        raise RuntimeError(f"{name}: only {kept} of {wanted} draws can be confirmed")


def _key(question: Question) -> Key:
    return (*question.symbols, *question.facts, question.claim)


def main() -> None:
    """Rewrite the generated part of every family's file."""
    for family, text in sections():
        path = FOLDER / f"{family}.txt"
        picked = path.read_text(encoding="utf-8").partition(MARK)[0].rstrip("\n")
        whole = f"{picked}\n\n{MARK}\n\n{text}\n" if text else f"{picked}\n"
        path.write_text(whole, encoding="utf-8")


if __name__ == "__main__":
    main()
