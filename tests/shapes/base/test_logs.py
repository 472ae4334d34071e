"""Named loggers: what they tell at which level, and that they are silent otherwise."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import asserts
from asserts.trace import trace
from shapes import ShapeEnv
from shapes.base.logs import NAMES, Log

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def heard() -> Iterator[list[logging.LogRecord]]:
    """The records that arrive at the logger ``shapeproof``."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append  # type: ignore[assignment, method-assign]
    logger = logging.getLogger("shapeproof")
    level = logger.level
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)


def told(found: list[logging.LogRecord], name: str) -> list[str]:
    return [r.getMessage() for r in found if r.name == f"shapeproof.{name}"]


def halves(x: Any) -> Any:
    asserts.check(x.shape[0] >= 2)
    return x[: x.shape[0] // 2]


def work() -> None:
    env = ShapeEnv()
    env.size("n", 5, min=2)
    env.assume("n % 2 == 1")
    env.check("n <= 9")
    assert env["n"] > 4
    assert env.prove("n >= 1").proved
    env.prove("n*n*n != 1331")
    asserts.insert(trace(halves, ("n",)))


def test_levels_and_names(heard: list[logging.LogRecord]) -> None:
    logger = logging.getLogger("shapeproof")
    logger.setLevel(logging.INFO)
    work()
    assert {r.name for r in heard} == {
        "shapeproof.prove", "shapeproof.guards", "shapeproof.asserts"
    }  # fmt: skip
    assert {r.levelno for r in heard} == {logging.INFO}
    assert told(heard, "prove")[0].startswith("`n >= 1` always holds, by ranges")
    assert any("n >= 5" in one for one in told(heard, "guards"))
    assert any(re.search(r"`n >= 2`, inserted, .*test_logs.py:\d+", one)
               for one in told(heard, "asserts"))  # fmt: skip
    heard.clear()
    logger.setLevel(logging.DEBUG)
    work()
    assert {r.name.partition(".")[2] for r in heard} == set(NAMES)
    assert any(one.startswith("n % 2 == 1") for one in told(heard, "facts"))
    assert any(one.startswith("n <= 9") for one in told(heard, "facts"))
    assert any("getitem" in one for one in told(heard, "trace"))
    steps = told(heard, "prove")
    assert steps[:2] == ["`n >= 1` is asked", "    normal form, ranges: ALWAYS"]


def test_silence_makes_no_text(heard: list[logging.LogRecord]) -> None:
    class Loud:
        def __str__(self) -> str:
            raise AssertionError("made text")

    logging.getLogger("shapeproof").setLevel(logging.WARNING)
    log = Log("prove")
    log.say(logging.INFO, "%s", Loud())
    work()
    assert not heard
    logging.getLogger("shapeproof").setLevel(logging.INFO)
    log.say(logging.DEBUG, "%s", Loud())
    assert not heard


def run(code: str, logs: str | None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "SHAPEPROOF_LOGS"}
    env["PYTHONPATH"] = str(ROOT)
    if logs is not None:
        env["SHAPEPROOF_LOGS"] = logs
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )


PROGRAM = "import shapes; e = shapes.ShapeEnv(); e.size('n', min=2); e.prove('n >= 1')"


def test_the_library_imports_no_logging() -> None:
    code = "import sys, shapes; assert 'logging' not in sys.modules, 'imported'"
    assert run(code, None).stderr == ""


def test_the_variable_shows_logs() -> None:
    assert run(PROGRAM, None).stderr == ""
    assert run(PROGRAM, "asserts").stderr == ""
    assert run(PROGRAM, "prove").stderr.startswith("shapeproof.prove: `n >= 1` always holds")
    assert "normal form, ranges: ALWAYS" in run(PROGRAM, "+prove, asserts").stderr
    assert "shapeproof.prove" in run(PROGRAM, "all").stderr
    assert "there is no log 'proof' (but prove, facts" in run(PROGRAM, "proof").stderr
    facts = PROGRAM.replace("e.prove(", "e.assume(")
    assert "shapeproof.facts: n >= 1" in run(facts, "facts").stderr


def test_the_page_names_every_logger() -> None:
    page = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"`shapeproof.{name}`" in page
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/logging.md", "exec"), {})
