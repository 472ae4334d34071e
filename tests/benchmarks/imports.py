"""What importing costs: CPU time and memory above a bare interpreter, in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.runner import ROOT, Options, environment

__all__ = ["Import", "measured_imports"]

_PROGRAM = """
import time
start = time.process_time()
{statement}
spent = time.process_time() - start
peak = [l for l in open('/proc/self/status') if l.startswith('VmHWM:')]
import json, sys
print(json.dumps([1000 * spent, int(peak[0].split()[1]) / 1024, len(sys.modules)]))
"""


@dataclass(frozen=True)
class Import:
    """Medians for a statement: CPU milliseconds, peak resident MB, loaded modules."""

    statement: str
    cpu_ms: float
    peak_mb: float
    modules: int


def measured_imports(engines: Sequence[str], options: Options) -> list[Import]:
    """All engines' imports, in turns."""
    own = (sys.executable, ROOT)
    statements = {"pass": own, "import asserts": own}
    for name in engines:
        statement = ENGINES[name].importing
        if statement is not None:
            statements[statement] = (options.python(name), options.directory(name))
    found: Mapping[str, list[list[float]]] = {statement: [] for statement in statements}
    repeats = 1 if options.quick else 2 * options.repeats + 1
    for repeat in range(1 + repeats):  # the first compiles what is not compiled yet
        for statement, (python, directory) in statements.items():
            program = _PROGRAM.format(statement=statement)
            done = subprocess.run(
                [python, "-c", program],
                cwd=directory,
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            if repeat and done.returncode == 0:
                found[statement].append(json.loads(done.stdout.splitlines()[-1]))
    return sorted(
        (
            Import(s, median(r[0] for r in runs), median(r[1] for r in runs), int(runs[0][2]))
            for s, runs in found.items()
            if runs
        ),
        key=lambda one: one.cpu_ms,
    )
