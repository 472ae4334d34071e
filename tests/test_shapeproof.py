"""One name for both packages, and what may be imported where."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import asserts
import shapeproof
import shapes

ROOT = Path(shapes.__file__).parent.parent
LIBRARY = [
    path
    for package in ("shapes", "asserts", "shapeproof")
    for path in sorted((ROOT / package).rglob("*.py"))
    if not {"cli", "work", "fleet", "service"} & set(path.relative_to(ROOT).parts)
]


def test_every_public_name_is_there() -> None:
    for package in (shapes, asserts):
        for name in package.__all__:
            if not hasattr(shapes, name) or package is shapes:
                assert getattr(shapeproof, name) is getattr(package, name)
            assert name in shapeproof.__all__
            assert name in dir(shapeproof)
    assert shapeproof.trace.__module__ == "asserts.trace"
    assert shapeproof.Spec.__module__.startswith("asserts.")


def test_no_name_is_in_both() -> None:
    assert set(shapes.__all__).isdisjoint(asserts.__all__)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        shapeproof.nothing  # noqa: B018
    with pytest.raises(ImportError):
        from shapeproof import RULE_MODULES  # noqa: F401


def test_all_at_once() -> None:
    space: dict[str, object] = {}
    exec("from shapeproof import *", space)
    assert space["insert"] is asserts.insert


def test_the_version_is_that_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in project
    assert 'version = { attr = "shapeproof.__version__" }' in project
    assert shapeproof.__version__[0].isdigit()


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after some code has run."""
    script = f"{code}\nimport sys; print(' '.join({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_it_imports_nothing_else() -> None:
    assert loaded("import shapeproof").isdisjoint({"shapes", "asserts", "numpy"})
    assert "asserts" not in loaded("import shapeproof; shapeproof.ShapeEnv")


def test_the_library_loads_neither_typer_nor_rich() -> None:
    code = "import shapes, asserts, asserts.trace, shapeproof; shapeproof.insert"
    assert loaded(code).isdisjoint({"typer", "click", "rich"})


def test_only_the_command_imports_typer_and_rich() -> None:
    for path in LIBRARY:
        _requires_no_command(path)


def _requires_no_command(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.partition(".")[0] not in ("typer", "click", "rich"), path
            own = f"{name}.".startswith("asserts.cli.") and path.name != "__main__.py"
            assert not own, f"{path} imports the command"


@pytest.mark.parametrize("arguments", [["--version"], ["prove", "n >= 0", "--size", "n"]])
def test_the_command_loads_what_it_needs(arguments: list[str]) -> None:
    heavy = {"torch", "sympy", "z3"}
    assert loaded(f"from asserts.cli import main\nmain({arguments!r})").isdisjoint(heavy)
