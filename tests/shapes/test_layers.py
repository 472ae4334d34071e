"""Imports run downwards only, as the map in `shapes/__init__.py` says, and stay quick."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import shapes

ROOT = Path(shapes.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
}
HEAVY = ("sympy", "z3", "numpy", "torch", "onnx", "cvc5")

UPWARDS = {
    ("expr", "show"), ("expr", "parse"),  # texts and pickles of expressions
    ("verdict", "explain"), ("verdict", "display"),  # a verdict shows itself
    ("interpret", "sympy_bridge"),  # sympy's expressions, read by the same loop
}  # fmt: skip
"""What may be imported from above, inside of a function, at first use."""


def layers() -> dict[str, int]:
    """The number of the layer of every module that the map names."""
    found: dict[str, int] = {}
    assert shapes.__doc__ is not None
    for number, text in re.findall(r"^(\d)\. (.*?)(?=^\d\. |^$)", shapes.__doc__, re.M | re.S):
        found.update(dict.fromkeys(re.findall(r"`(\w+)`", text), int(number)))
    return found


def part(module: str) -> str:
    """The module or the package directly below `shapes`."""
    return [*module.split("."), "", ""][1]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """What a module imports of `shapes` (and others), and whether inside of a function."""
    tree = ast.parse(path.read_text())
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, functions)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            assert node.module is not None
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in MODULES else node.module, node in inside


def test_the_map_names_every_module_once() -> None:
    named = layers()
    there = {part(module) for module in MODULES if part(module)}
    assert there - set(named) == set(), "missing in the map"
    assert set(named) - there == set(), "in the map, but not there"


@pytest.mark.parametrize("module", [m for m in MODULES if part(m)])
def test_imports_run_downwards(module: str) -> None:
    named = layers()
    own = part(module)
    for target, lazy in imports(MODULES[module]):
        other = part(target)
        if not target.startswith("shapes.") or other in (own, "_native"):  # (C, below all)
            continue
        if lazy and (own, other) in UPWARDS:
            continue
        assert named[other] <= named[own], f"{module} imports {target} from above"


def test_no_cycles_at_import_time() -> None:
    edges = {
        module: {t for t, lazy in imports(path) if not lazy and t in MODULES and t != module}
        for module, path in MODULES.items()
        if part(module)
    }
    done: set[str] = set()
    while len(done) < len(edges):
        ready = {m for m, targets in edges.items() if m not in done and targets <= done}
        assert ready, {m: t - done for m, t in edges.items() if m not in done}
        done |= ready


@pytest.mark.parametrize("module", MODULES)
def test_the_engine_knows_no_graphs(module: str) -> None:
    for target, _ in imports(MODULES[module]):
        assert target.split(".")[0] not in ("asserts", "tests")


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_at_first_use(module: str) -> None:
    for target, lazy in imports(MODULES[module]):
        assert lazy or target.split(".")[0] not in HEAVY


def test_only_one_module_imports_the_solver() -> None:
    users = {m for m, path in MODULES.items() for t, _ in imports(path) if t.startswith("z3")}
    assert users == {"shapes.smt"}


@pytest.mark.parametrize("name", [*HEAVY, "asserts"])
def test_importing_the_engine_stays_quick(name: str) -> None:
    code = f"import shapes, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_using_the_engine_needs_no_heavy_package_either() -> None:
    code = (
        "import sys; from shapes import ShapeEnv; env = ShapeEnv();"
        "b = env.size('b', hint=3); assert b > 2; assert env.prove(b * 2 >= b);"
        "env.bounds(b // 2); str(env); ShapeEnv.from_json(env.to_json());"
        f"bad = [m for m in {HEAVY!r} if m in sys.modules]; assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_run_from_text_or_printed(module: str) -> None:
    """`exec` compiles what `codegen` has written, and how records are made from the names of
    their fields; nothing else is ever run from text."""
    called = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call)
    }
    forbidden = {name for name in called if name.split(".")[-1] in ("eval", "sympify")}
    assert not forbidden | called & {"print", "breakpoint", "input"}
    own_text = module.startswith("shapes.codegen.") or module == "shapes.records"
    assert "exec" not in called or own_text


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is_for(module: str) -> None:
    text = MODULES[module].read_text()
    if text.strip():
        assert ast.get_docstring(ast.parse(text))
