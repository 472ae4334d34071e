"""Run the corpus by every way, and write the table in ``docs/torch.md``.

    python -m tests.torch.real               # all
    python -m tests.torch.real NAME ...      # these again, beside what was found before
    python -m tests.torch.real --continue    # those that were not run yet
    python -m tests.torch.real --table       # none: only write the table

``--kept FILE`` names the file of what was found, which is written after each program; it is in
the directory for temporary files otherwise. Programs without results keep their rows, marked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.torch.real import REAL
from tests.torch.real.running import WAYS, Result, ways_of

DOCS = Path(__file__).parents[3] / "docs" / "torch.md"
BEGIN, END = "<!-- real: begin -->", "<!-- real: end -->"
WORKERS = 2
MARK = "results: "
KEPT = Path(tempfile.gettempdir()) / "shapeproof-real.json"
"""What was found so far, if no other file is named."""

OLDER = " (older)"
"""Marks a row that is not of the last run."""

Results = dict[str, list[Result]]


def run_here(names: Sequence[str]) -> None:
    """All ways of some programs; a line with the results of each."""
    for name in names:
        real = next(one for one in REAL if one.name == name)
        try:
            found = ways_of(real) if real.installed else []
        except Exception as error:  # (a model may raise anything)
            found = [Result("eager", f"{type(error).__name__}: {error}")]
        print(f"\n{MARK}{json.dumps([name, [asdict(one) for one in found]])}", flush=True)


def run(names: Sequence[str]) -> Iterator[tuple[str, list[Result]]]:
    """All ways of some programs, in a process of their own: packages may bring it down."""
    command = [sys.executable, "-m", "tests.torch.real", "--here", *names]
    left = list(names)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:  # fmt: skip
        for line in process.stdout or ():
            if line.startswith(MARK):
                name, found = json.loads(line[len(MARK) :])
                left.remove(name)
                yield name, [Result(**one) for one in found]
    if left:
        yield left[0], [Result("eager", f"the process ended with {process.returncode}")]
        if left[1:]:
            yield from run(left[1:])


def all_of(names: Sequence[str], known: Results, kept: Path) -> Results:
    """The results of programs, by name, with those that are known; all are `kept`."""
    found = dict(known)
    parts = [names[i::WORKERS] for i in range(WORKERS)]

    def part(some: Sequence[str]) -> None:
        for name, results in run(some):
            found[name] = results
            print(f"[{len(found)}] {name}", *map(_cell, results), flush=True)
            for one in results:
                for text in filter(None, (one.error, *one.wrong, *one.unannounced)):
                    print("   ", one.way, text, flush=True)
            kept.write_text(json.dumps({n: list(map(asdict, r)) for n, r in found.items()}))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(part, filter(None, parts)))
    return {one.name: found[one.name] for one in REAL if one.name in found}


def _cell(result: Result) -> str:
    """What a way has made of a program, in short."""
    if not result.exported:
        return "data" if result.data_dependent else "error"
    if not result.example:
        return "refuses its example"
    tried = result.right + result.stopped + len(result.unannounced) + len(result.wrong)
    return f"{result.right}/{tried}" + (f", {len(result.wrong)} wrong" if result.wrong else "")


def rows_of(text: str) -> dict[str, str]:
    """The rows of a table that was written before, by program."""
    found = {}
    for line in text.splitlines():
        row = re.match(r"\| `(\w+)`(?: \(older\))? \|(.*)", line)
        if row is None:
            continue
        cells = row[2].split("|")
        if len(cells) == 7:  # (before there was the rung `branches`)
            cells.insert(4, " – ")
        found[row[1]] = f"| `{row[1]}`{OLDER} |{'|'.join(cells)}"
    return found


def table(results: Results, older: dict[str, str]) -> str:
    """The results as Markdown, with the `older` rows of programs that have none."""
    lines = [
        "| program | of | torch | draft | no assumption | branches | example | asserts: draft, ours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for real in REAL:
        name = real.name
        ways = {one.way: one for one in results.get(name, ())}
        if set(ways) != set(WAYS):
            lines += [older[name]] if name in older else []
            continue
        cells = [_cell(ways[way]) for way in WAYS]
        numbers = [str(ways[w].asserts) if ways[w].exported else "–" for w in ("draft", "example")]
        lines.append(f"| `{name}` | {real.topic} | {' | '.join(cells)} | {', '.join(numbers)} |")
    return "\n".join(lines)


def summary(results: Results) -> str:
    """The numbers that count."""
    ways = [{one.way: one for one in found} for found in results.values()]
    ways = [one for one in ways if set(one) == set(WAYS)]
    refused = [one for one in ways if not one["torch"].exported and one["torch"].data_dependent]

    def good(way: str) -> int:
        return sum(one[way].exported and one[way].example for one in refused)

    both = [one for one in ways if one["draft"].exported and one["example"].exported]
    draft, ours = (sum(one[way].asserts for one in both) for way in ("draft", "example"))
    wrong = {way: sum(len(one[way].wrong) for one in ways) for way in WAYS}
    right = {way: sum(one[way].right for one in ways) for way in WAYS}
    return (
        f"{len(ways)} programs; torch alone exports {sum(o['torch'].exported for o in ways)}, "
        f"and refuses {len(refused)} because a condition depends on data. Of these, "
        f"{good('general')} export without any assumption, {good('branches')} with both sides of "
        f"branches besides, {good('example')} with the example's branch; `draft_export` exports "
        f"{good('draft')} that accept their own example. On the {len(both)} programs "
        f"that both export, `draft_export` makes {draft} scalar asserts, ours {ours} after minimising. On the other inputs that the models accept, ours give "
        f"the model's result {right['example']} times (draft: {right['draft']}, torch: "
        f"{right['torch']}; with branches {right['branches']}), and another one "
        f"{wrong['example']} times (draft: {wrong['draft']}, torch: {wrong['torch']}; with "
        f"branches {wrong['branches']})."
    )


def main(arguments: Sequence[str]) -> None:
    """Run, print, and write the table."""
    given, kept = list(arguments), KEPT
    known: Results = {}
    if "--kept" in given:
        at = given.index("--kept")
        kept = Path(given[at + 1])
        del given[at : at + 2]
    if given and kept.exists():
        found = json.loads(kept.read_text())
        known = {name: [Result(**one) for one in results] for name, results in found.items()}
    wanted = [name for name in given if not name.startswith("-")]
    names = wanted or [one.name for one in REAL if one.name not in known]
    results = all_of([] if "--table" in given else names, known, kept)
    docs = DOCS.read_text()
    before, _, rest = docs.partition(BEGIN)
    old, _, after = rest.partition(END)
    text = f"{summary(results)}\n\n{table(results, rows_of(old))}"
    print(text)
    DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        run_here(sys.argv[2:])
    else:
        main(sys.argv[1:])
