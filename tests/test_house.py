"""The layout holds: folders import only to their left, and nothing heavy when they load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import house
from tests.house import FOLDERS, PACKAGES, UPWARDS, folder_of, imports, modules

HEAVY = ("sympy", "z3", "numpy", "torch", "onnx", "cvc5", "typer", "rich")
ALL = [(package, module) for package in PACKAGES for module in modules(package)]
FACADES = {"shapes", "shapes.errors"} | {f"shapes.{folder}" for folder in FOLDERS["shapes"]}

BEHIND_FACADES = {
    "shapes.expr.operators", "shapes.expr.semantics",  # tables, used as modules
    "shapes.queries.simplify", "shapes.queries.suggest",  # (functions have their names)
    "shapes.traversal.cost",  # (the same)
    "shapes.witness.search",  # (the same)
}  # fmt: skip
"""Modules of `shapes` that `asserts` imports by themselves."""

def imported(package: str) -> Iterator[tuple[str, house.Import]]:
    """What the modules of a package import."""
    return ((module, one) for module in modules(package) for one in imports(module))


LONGEST_MODULE = 600
LONGEST_FUNCTION = 55


def test_every_module_is_in_a_folder() -> None:
    roots = {*PACKAGES, "asserts.dialects", "shapes._native"}
    lost = [module for _, module in ALL if module not in roots and not folder_of(module)]
    assert not lost, "in no folder of FOLDERS"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_imports_only_to_its_left(package: str) -> None:
    order = FOLDERS[package]
    wrong = []
    for module, one in imported(package):
        own = folder_of(module)
        if one.typing or own is None or one.target.partition(".")[0] != package:
            continue
        other = folder_of(one.target)
        if other is None or (one.lazy and (module, one.target) in UPWARDS):
            continue
        if order.index(other) > order.index(own):
            wrong.append(f"{module} imports {one.target}")
    assert not wrong


def test_every_exception_is_needed() -> None:
    there = {(m, one.target) for _, m in ALL for one in imports(m) if one.lazy}
    assert set(UPWARDS) - there == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_cycles_when_modules_load(package: str) -> None:
    known = modules(package)
    edges = {
        module: {
            one.target
            for one in imports(module)
            if not one.lazy and not one.typing and one.target in known and one.target != module
        }
        for module in known
    }
    done: set[str] = set()
    while len(done) < len(edges):
        ready = {m for m, targets in edges.items() if m not in done and targets <= done}
        assert ready, {m: t - done for m, t in edges.items() if m not in done}
        done |= ready


def test_the_engine_knows_no_graphs() -> None:
    for module, one in imported("shapes"):
        assert one.target.split(".")[0] not in ("asserts", "tests"), module


def test_graphs_ask_the_engine_through_its_folders() -> None:
    for module, one in imported("asserts"):
        if one.target.startswith("shapes"):
            assert one.target in FACADES | BEHIND_FACADES, f"{module} imports {one.target}"


def test_heavy_packages_are_imported_at_first_use() -> None:
    for module, one in imported("shapes"):
        assert one.lazy or one.typing or one.target.split(".")[0] not in HEAVY, module


def test_the_library_does_not_need_what_the_command_needs() -> None:
    for module, one in imported("asserts"):
        if not module.startswith("asserts.cli"):
            assert one.target.split(".")[0] not in ("typer", "rich", "click"), module


def test_only_one_module_imports_the_solver() -> None:
    users = {m for _, m in ALL for one in imports(m) if one.target.split(".")[0] == "z3"}
    assert users == {"shapes.witness.smt"}


def test_the_checker_of_certificates_is_independent() -> None:
    """It needs what certificates and theorems are, and nothing that looks for them."""
    reached = {"shapes.arith.checker"}
    for module in (pending := [*reached]):  # grows while it is read
        others = {one.target for one in imports(module) if one.target.startswith("shapes.arith")}
        pending += others - reached
        reached |= others
    assert reached - {"shapes.arith.checker"} == {
        "shapes.arith.certificate", "shapes.arith.factor_schemas", "shapes.arith.lemma_schemas",
        "shapes.arith.statements",
    }  # fmt: skip


@pytest.mark.parametrize("name", [*HEAVY, "asserts"])
def test_importing_the_engine_stays_quick(name: str) -> None:
    code = f"import shapes, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_prover_is_loaded_with_the_first_proof() -> None:
    code = (
        "import shapes, sys; env = shapes.ShapeEnv(); env.size('b');"
        "sys.exit(any(m.startswith(('shapes.prove.ladder', 'shapes.arith', 'shapes.queries',"
        " 'shapes.witness.search', 'shapes.witness.enumeration', 'shapes.witness.smt'))"
        " for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_using_the_engine_needs_no_heavy_package_either() -> None:
    code = (
        "import sys; from shapes import ShapeEnv; env = ShapeEnv();"
        "b = env.size('b', hint=3); assert b > 2; assert env.prove(b * 2 >= b);"
        "env.bounds(b // 2); str(env); ShapeEnv.from_json(env.to_json());"
        f"bad = [m for m in {HEAVY!r} if m in sys.modules]; assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_run_from_text_or_printed() -> None:
    """`exec` compiles what `codegen` has written, and how records are made from the names of
    their fields; nothing else is ever run from text."""
    for module, path in modules("shapes").items():
        called = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        forbidden = {name for name in called if name.split(".")[-1] in ("eval", "sympify")}
        assert not forbidden | called & {"print", "breakpoint", "input"}, module
        own_text = module.startswith("shapes.env.codegen.") or module == "shapes.base.records"
        assert "exec" not in called or own_text, module


def test_modules_say_what_they_are_for_and_stay_small() -> None:
    wrong = []
    for package, module in ALL:
        text = modules(package)[module].read_text(encoding="utf-8")
        tree = ast.parse(text)
        if not ast.get_docstring(tree):
            wrong.append(f"{module} has no docstring")
        if text.count("\n") > LONGEST_MODULE:
            wrong.append(f"{module} is long: is it two things?")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{module}: {node.name} has {length} lines")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("package", "folder"), [(p, f) for p in PACKAGES for f in FOLDERS[p]]
)
def test_folders_say_what_they_are_for(package: str, folder: str) -> None:
    assert len(house.first_sentence(house.head(package, folder))) > 20


def test_the_map_and_the_picture_are_of_today() -> None:
    assert "facts" in house.show_map()
    text = house.PICTURE.read_text()
    assert house.with_picture(text) == text, "run: python -m tests.house"
