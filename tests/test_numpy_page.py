"""`docs/numpy.md`: its tables are those of the registry, and its code runs."""

from __future__ import annotations

import re

from asserts.trace.registry import NAMES
from asserts.trace.rules.mathematics import MATH
from tests.numpy_page import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_fresh() -> None:
    assert page(TEXT) == TEXT, "run python -m tests.numpy_page"


def test_every_function_is_listed() -> None:
    for names in NAMES.values():
        for name in names:
            assert f"np.{name}`" in TEXT, name
    section = TEXT.partition("## math")[2].partition("##")[0]
    named = set(re.findall(r"`([a-z0-9]+)`", section)) - {"math", "frexp", "modf"}
    assert named <= set(MATH)
    assert {"isqrt", "gcd", "lcm", "prod", "comb", "log2", "sqrt"} <= named


def test_the_blocks_run() -> None:
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), namespace)
