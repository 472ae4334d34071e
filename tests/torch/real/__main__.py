"""Run the corpus by every way, and write the table in ``docs/torch.md``.

    python -m tests.torch.real [NAME ...]     # without names: all, and the table is written
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from tests.torch.real import REAL
from tests.torch.real.running import WAYS, Result, ways_of

DOCS = Path(__file__).parents[3] / "docs" / "torch.md"
BEGIN, END = "<!-- real: begin -->", "<!-- real: end -->"
WORKERS = 2

Results = dict[str, list[Result]]


def run_here(name: str) -> None:
    """All ways of one program; the last line that is printed has the results."""
    real = next(one for one in REAL if one.name == name)
    try:
        found = ways_of(real) if real.installed else []
    except Exception as error:  # (a model may raise anything)
        found = [Result("eager", f"{type(error).__name__}: {error}")]
    print(f"\n{json.dumps([asdict(one) for one in found])}")


def run(name: str) -> list[Result]:
    """All ways of one program, in a process of its own: packages may bring it down."""
    command = [sys.executable, "-m", "tests.torch.real", "--one", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return [Result("eager", f"the process ended with {done.returncode}")]
    return [Result(**one) for one in json.loads(lines[-1])]


def all_of(names: Sequence[str]) -> Results:
    """The results of programs, by name."""
    found: Results = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(run, name): name for name in names}
        for done in as_completed(futures):
            name = futures[done]
            found[name] = done.result()
            print(f"[{len(found)}/{len(names)}] {name}", *map(_cell, found[name]), flush=True)
            for one in found[name]:
                for text in (one.error, *one.wrong, *one.unannounced):
                    print("   ", one.way, text, flush=True) if text else None
    return {name: found[name] for name in names}


def _cell(result: Result) -> str:
    """What a way has made of a program, in short."""
    if not result.exported:
        return "data" if result.data_dependent else "error"
    if not result.example:
        return "refuses its example"
    tried = result.right + result.stopped + len(result.unannounced) + len(result.wrong)
    return f"{result.right}/{tried}" + (f", {len(result.wrong)} wrong" if result.wrong else "")


def table(results: Results) -> str:
    """The results as Markdown."""
    topics = {one.name: one.topic for one in REAL}
    lines = [
        "| program | of | torch | draft | no assumption | example | asserts: draft, ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        ways = {one.way: one for one in found}
        if set(ways) != set(WAYS):
            continue
        cells = [_cell(ways[way]) for way in WAYS]
        numbers = [str(ways[w].asserts) if ways[w].exported else "–" for w in ("draft", "example")]
        lines.append(f"| `{name}` | {topics[name]} | {' | '.join(cells)} | {', '.join(numbers)} |")
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
        f"{good('general')} export without any assumption, {good('example')} with the example's "
        f"branch; `draft_export` exports {good('draft')} that accept their own example. On the "
        f"{len(both)} programs that both export, `draft_export` makes {draft} scalar asserts, "
        f"ours {ours} after minimising. On the other inputs that the models accept, ours give "
        f"the model's result {right['example']} times (draft: {right['draft']}, torch: "
        f"{right['torch']}), and another one {wrong['example']} times (draft: {wrong['draft']}, "
        f"torch: {wrong['torch']})."
    )


def main(names: Sequence[str]) -> None:
    """Run, and print; the table is written if all were run."""
    results = all_of(names or [one.name for one in REAL])
    text = f"{summary(results)}\n\n{table(results)}"
    print(text)
    if names:
        return
    docs = DOCS.read_text()
    before, _, rest = docs.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_here(sys.argv[2])
    else:
        main(sys.argv[1:])
