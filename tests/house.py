"""How the code is laid out: the folders of both packages, in the order of their imports.

A folder imports only folders to its left. `FOLDERS` is that order; ``tests/test_house.py``
holds it. ``python -m tests.house`` prints the map (each folder with the first sentence of its
docstring) and brings the picture in ``docs/how-it-works.md`` up to date.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("shapes", "asserts")

FOLDERS = {
    "shapes": (
        "errors", "base", "expr", "traversal", "domains", "facts", "witness", "arith",
        "prove", "queries", "tensors", "env",
    ),
    "asserts": (
        "errors", "sarif", "graph", "dialects.interfaces", "dialects.base", "conditions",
        "dialects.numpy.graph", "annotations", "trace", "dialects.numpy", "dialects.torch.symbols",
        "dialects.torch.answers", "dialects.onnx.model", "dialects.onnx.rules",
        "dialects.onnx.infer", "dialects.onnx.answers", "dialects.hosts", "inspection",
        "passes", "verify", "testing", "contracts", "dialects.torch", "dialects.onnx", "files",
        "outline", "drawing", "examples", "client", "cli", "work", "fleet", "service",
    ),
}  # fmt: skip
"""Folders (and single modules that stand for themselves), the lowest first."""

UPWARDS = {
    ("shapes.expr.expression", "shapes.traversal.printing"): "the text of an expression",
    ("shapes.expr.expression", "shapes.traversal.saved"): "pickles of expressions",
    ("shapes.facts.verdict", "shapes.env.explain"): "a verdict shows itself",
    ("shapes.facts.verdict", "shapes.env.display"): "a verdict shows itself",
    ("asserts.dialects.torch.symbols.record", "asserts.dialects.torch.answers.graph"):
        "what a check said is read from the graph in the making",
    ("asserts.graph.module", "asserts.drawing"): "a graph draws itself",
    ("asserts.verify.programs", "asserts.dialects.torch.export.verify"):
        "a framework is loaded for its own programs only",
    ("asserts.verify.programs", "asserts.dialects.onnx.trials"):
        "a framework is loaded for its own programs only",
    ("asserts.dialects.hosts", "asserts.dialects.torch.export.hosts"):
        "a framework is loaded for its own programs only",
    ("asserts.cli.fleet", "asserts.fleet.engines"): "the verb starts the fleet",
    ("asserts.cli.fleet", "asserts.fleet.plan"): "the verb starts the fleet",
    ("asserts.cli.fleet", "asserts.fleet.run"): "the verb starts the fleet",
    ("asserts.cli.serve", "asserts.service.run"): "the verb starts the service",
    ("asserts.cli.serve", "asserts.service.settings"): "the verb starts the service",
}  # fmt: skip
"""What may be imported from the right, inside of a function, at first use, and why."""

PICTURE = ROOT / "docs" / "how-it-works.md"
BEGIN, END = "<!-- folders: begin -->", "<!-- folders: end -->"


@dataclass(frozen=True)
class Import:
    """A statement of a module: what it imports, whether at first use (inside of a function),
    and whether for type checkers only."""

    module: str
    target: str
    name: str
    lazy: bool
    typing: bool


@cache
def modules(package: str) -> dict[str, Path]:
    """Every module of a package, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def folder_of(module: str) -> str | None:
    """The folder that a module belongs to; None for the package itself."""
    package, _, rest = module.partition(".")
    inside = [
        folder
        for folder in FOLDERS[package]
        if rest == folder or rest.startswith(f"{folder}.")
    ]
    return max(inside, key=len) if inside else None


@cache
def imports(module: str) -> tuple[Import, ...]:
    """What a module imports."""
    package = module.partition(".")[0]
    tree = ast.parse(modules(package)[module].read_text())
    typing = set(_inside(tree, lambda n: isinstance(n, ast.If) and _for_typing(n)))
    lazy = set(_inside(tree, lambda n: isinstance(n, _FUNCTIONS)))
    return tuple(
        Import(module, target, name, node in lazy, node in typing)
        for node in ast.walk(tree)
        for target, name in _targets(node)
    )


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _for_typing(node: ast.If) -> bool:
    return ast.unparse(node.test) == "TYPE_CHECKING"


def _inside(tree: ast.AST, wanted) -> Iterator[ast.AST]:  # type: ignore[no-untyped-def]
    for node in ast.walk(tree):
        if wanted(node):
            yield from ast.walk(node)


def _targets(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, "a relative import"
        assert node.module is not None
        package = node.module.partition(".")[0]
        known = modules(package) if package in PACKAGES else {}
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            is_module = inner in known and alias.name not in offered(node.module)
            yield inner if is_module else node.module, alias.name


@cache
def offered(module: str) -> frozenset[str]:
    """The names in a package's ``__all__``."""
    path = modules(module.partition(".")[0]).get(module)
    for node in ast.parse(path.read_text()).body if path else ():
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def head(package: str, folder: str) -> str:
    """The docstring of a folder, or of a module that stands for itself."""
    base = ROOT / package / Path(*folder.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    return " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".")


def arrows(package: str) -> dict[str, set[str]]:
    """The folders that each folder imports when it is loaded."""
    found: dict[str, set[str]] = {folder: set() for folder in FOLDERS[package]}
    for module in modules(package):
        own = folder_of(module)
        for one in imports(module):
            if one.lazy or one.typing or one.target.partition(".")[0] != package:
                continue
            other = folder_of(one.target)
            if own and other and own != other:
                found[own].add(other)
    return found


def _reduced(edges: dict[str, set[str]]) -> dict[str, list[str]]:
    """Arrows without those that others imply."""

    def reach(folder: str) -> set[str]:
        return edges[folder].union(*(reach(other) for other in edges[folder]))

    return {
        folder: sorted(
            other
            for other in targets
            if not any(other in reach(third) for third in targets - {other})
        )
        for folder, targets in edges.items()
    }


def picture() -> str:
    """The folders and their imports as a Mermaid diagram (arrows that others imply are left
    out; `errors` is imported by all)."""
    lines = ["```mermaid", "flowchart RL"]
    for package in PACKAGES:
        lines.append(f"  subgraph {package}")
        for folder, targets in _reduced(arrows(package)).items():
            if folder == "errors":
                continue
            own = f"{package}.{folder}"
            lines.append(f'    {own}["{folder.replace(".", "/")}"]')
            lines += [f"    {own} --> {package}.{t}" for t in targets if t != "errors"]
        lines.append("  end")
    return "\n".join([*lines, "  asserts --> shapes", "```"])


def with_picture(text: str) -> str:
    """The document with the picture as it is now."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


def show_map() -> str:
    """Every folder with what it is for, the lowest first."""
    lines = []
    for package in PACKAGES:
        lines.append(f"{package}/")
        lines += [
            f"  {folder.replace('.', '/'):24} {first_sentence(head(package, folder))}"
            for folder in FOLDERS[package]
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(show_map() + "\n")
    PICTURE.write_text(with_picture(PICTURE.read_text()))
