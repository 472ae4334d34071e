"""The command: what to run, where the peers are, what to write."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.benchmarks.analysis import ratios, rows
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.imports import measured_imports
from tests.benchmarks.report import PEERS, aims_table, imports_table, times_table
from tests.benchmarks.results import Results, loaded, saved
from tests.benchmarks.runner import ROOT, Options, Series, environment, run_workload
from tests.benchmarks.workload import Workload, all_workloads

__all__ = ["available", "main"]

QUICK_SECONDS = 110
IMPORTS = "imports"
"""The name that asks for the costs of importing."""


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    made.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="W1, W2a, ... (all)")
    made.add_argument("--peers", default=",".join(PEERS), help="which of torch,jax,tvm")
    made.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=INTERPRETER",
        help="the interpreter of a peer's own environment (or SHAPEPROOF_PYTHON_<PEER>)",
    )
    made.add_argument(
        "--compiled",
        type=Path,
        metavar="DIRECTORY",
        help="a copy of the repository with the compiled build (or SHAPEPROOF_COMPILED)",
    )
    made.add_argument("--quick", action="store_true", help="small sizes, two minutes")
    made.add_argument("--largest", action="store_true", help="the largest size only")
    made.add_argument("--repeats", type=int, help="3; 1 with --quick")
    made.add_argument("--timeout", type=float, help="seconds for one measurement")
    made.add_argument("--no-gc", action="store_true", help="garbage collection off")
    made.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")
    made.add_argument(
        "--read",
        type=Path,
        action="append",
        metavar="FILE",
        help="the tables of earlier runs, from their JSON (several: the later one counts)",
    )
    made.add_argument("--write-docs", action="store_true", help="docs/performance.md, .svg")
    made.add_argument("--list", action="store_true", help="the workloads, and nothing else")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print their tables."""
    given = parser().parse_args(arguments)
    known = all_workloads()
    if given.list:
        for workload in known.values():
            print(f"{workload.name:8}{workload.title}")
        return 0
    unknown = [name for name in given.workloads if name not in (*known, IMPORTS)]
    if unknown:
        print(f"no workload {', '.join(unknown)}; there are {', '.join(known)}, {IMPORTS}")
        return 2
    options = _options(given)
    if given.read:
        results = loaded(given.read)
        results.rows.sort(key=lambda row: list(known).index(row.workload))
        results.ratios.sort(key=lambda ratio: list(known).index(ratio.workload))
    else:
        results = _measured(known, given, options)
    print()
    print(aims_table(known, results.ratios))
    if results.missing:
        print(f"\nnot installed, and left out: {', '.join(results.missing)}")
    if given.json is not None:
        saved(results, given.json)
    if given.write_docs:
        from tests.benchmarks.docs import write_docs

        write_docs(known, results, options)
    return 0


def _measured(
    known: Mapping[str, Workload], given: argparse.Namespace, options: Options
) -> Results:
    """Run what was asked for, and print each table when it is there."""
    engines, missing = available(given.peers.split(","), options)
    results = Results(missing=missing, repeats=options.repeats)
    if not given.workloads or IMPORTS in given.workloads:
        results.imports = measured_imports(list(engines), options)
        print(imports_table(results.imports), flush=True)
    for workload in [known[name] for name in given.workloads or known if name != IMPORTS]:
        measured = run_workload(workload, list(engines), options, _tell)
        results.versions.update(_versions(measured))
        part = rows(workload, measured, options.sizes(workload))
        results.rows += part
        results.ratios += ratios(workload, part)
        print(times_table(part), flush=True)
    return results


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options(given: argparse.Namespace) -> Options:
    pythons = dict(one.split("=", 1) for one in given.python)
    for peer in PEERS:
        where = os.environ.get(f"SHAPEPROOF_PYTHON_{peer.upper()}")
        if where:
            pythons.setdefault(peer, where)
    place = os.environ.get("SHAPEPROOF_COMPILED")
    return Options(
        repeats=given.repeats or (1 if given.quick else 3),
        quick=given.quick,
        timeout=given.timeout or (10 if given.quick else None),
        no_gc=given.no_gc,
        pythons=pythons,
        compiled=given.compiled or (Path(place) if place else None),
        deadline=time.monotonic() + QUICK_SECONDS if given.quick else None,
        largest_only=given.largest,
    )


def available(peers: Sequence[str], options: Options) -> tuple[dict[str, str], list[str]]:
    """The engines that can be loaded, and the peers that cannot."""
    chosen: dict[str, str] = {}
    missing: list[str] = []
    for name, engine in ENGINES.items():
        if engine.peer in PEERS and engine.peer not in peers:
            continue
        if engine.compiled and (options.compiled is None or not _built(options.compiled)):
            continue
        if _found(options.python(name), engine.module):
            chosen[name] = engine.what
        elif engine.peer != "ours" and engine.peer not in missing:
            missing.append(engine.peer)
    return chosen, missing


@cache
def _found(python: str, module: str) -> bool:
    command = [python, "-c", _FIND.format(module=module)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), check=False, capture_output=True
    )
    return done.returncode == 0


@cache
def _built(directory: Path) -> bool:
    """Whether the compiled build is there; refuses a directory without it."""
    command = [sys.executable, "-c", "import shapes, sys; sys.exit(not shapes.COMPILED)"]
    if subprocess.run(command, cwd=directory, env=environment(), check=False).returncode:
        raise SystemExit(f"{directory} has no compiled build of the package")
    return True


_FIND = "import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"


def _versions(measured: Sequence[Series]) -> dict[str, str]:
    """By peer, the version that answered."""
    found = {}
    for one in measured:
        for records in one.records.values():
            found[ENGINES[one.engine].peer] = records[0]["version"]
    return found
