"""The blocks of the documentation, run as a reader would: one mechanism for every page.

A page is run from top to bottom in a folder of its own:

- ``python`` blocks run in one namespace, statement by statement. A comment that names an error
  (``# ValueError``) says that the statement raises it; ``# -> TEXT`` says what the value of the
  expression is.
- Lines that begin with ``$`` are commands; what follows is their output, in which a line
  ``...`` stands for any lines. Of JSON, the keys and the kinds of values are compared. A comment
  ``# exit code N`` says which code is expected, if not 0.
- What stands in a comment of HTML tells how to treat the next block:
  ``file: NAME`` (it is written there), ``output`` (it is what the last Python block printed),
  ``not run: REASON``. ``setup`` begins Python that runs and is not shown, and ``needs: PACKAGE``
  names a package that the page needs.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import linecache
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import LONGEST

__all__ = ["PAGES", "ROOT", "Block", "Page", "blocks", "require_like"]

ROOT = Path(__file__).parent.parent
PAGES = sorted(p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md"))

_PART = re.compile(
    r"^<!-- (?P<word>setup|file|output|not run|needs)(?::? *)(?P<rest>.*?)-->"
    r"|^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)
_OPEN = ("counts", "counterexample", "witness")
"""Fields of JSON whose keys depend on the question."""
_LOOSE = ("lower", "upper", "location", "line", "place")
"""Fields of JSON that may be null."""


@dataclass(frozen=True)
class Block:
    """A block of a page, or Python that is not shown (`setup`)."""

    line: int
    language: str
    text: str
    word: str = ""
    rest: str = ""


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, each with the comment before it."""
    word = rest = ""
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["word"] in ("setup", "needs"):
            yield Block(line, "", part["rest"], part["word"], part["rest"].strip())
        elif part["word"]:
            word, rest = part["word"], part["rest"].strip()
        else:
            indent = len(part["indent"])
            shown = "\n".join(one[indent:] for one in part["text"].split("\n"))
            yield Block(line, part["language"], shown, word, rest)
            word = rest = ""


@dataclass
class Page:
    """One page being run in a folder, which is the current one."""

    name: str
    folder: Path
    namespace: dict[str, Any] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)
    printed: str = ""
    ran: int = 0

    def run(self, text: str) -> None:
        """Run all blocks; the first that is not as it says fails."""
        self.namespace["__name__"] = "__page__"
        for block in blocks(text):
            where = f"{self.name}:{block.line}"
            if block.word == "needs":
                _require(block.rest)
            elif block.word == "setup":
                self._execute(f"<{where}>", block.text)
            elif block.word == "file":
                (self.folder / block.rest).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.rest).write_text(block.text, encoding="utf-8")
            elif block.word == "not run":
                assert block.rest, f"{where}: why is it not run?"
            elif block.word == "output":
                _compare(block.text, self.printed, where)
            elif block.language == "python":
                self.ran += 1
                self.printed = self._execute(f"<{where}>", block.text)
            else:
                self._commands(block.text, where)

    def _execute(self, name: str, text: str) -> str:
        """Run Python; what it prints."""
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        lines = text.splitlines()
        output = io.StringIO()
        for statement in ast.parse(text).body:
            assert statement.end_lineno is not None
            said = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
            with contextlib.redirect_stdout(output):
                self._statement(statement, name, said)
        return output.getvalue()

    def _statement(self, statement: ast.stmt, name: str, said: str) -> None:
        comment = said.rpartition("  #")[2] if "  #" in said else ""
        error = re.search(r"\b([A-Z]\w*Error)\b", comment)
        if error is not None and not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            code = compile(ast.Module([statement], []), name, "exec")
            with pytest.raises(Exception) as caught:  # noqa: PT011
                exec(code, self.namespace)
            kinds = [kind.__name__ for kind in type(caught.value).__mro__]
            assert error[1] in kinds, f"{name}: {caught.value!r}"
            self.raised.append(error[1])
        elif isinstance(statement, ast.Expr):
            code = compile(ast.Expression(statement.value), name, "eval")
            value = eval(code, self.namespace)
            if comment.strip().startswith("-> "):
                wanted = comment.strip()[3:]
                assert wanted in (str(value), repr(value)), f"{name}: {value!r}"
        else:
            exec(compile(ast.Module([statement], []), name, "exec"), self.namespace)

    def _commands(self, text: str, where: str) -> None:
        for command, shown in _sessions(text):
            self.ran += 1
            wanted = re.search(r"  # exit code (\d+)$", command)
            code, errors, output = self._command(command)
            found = errors + output
            if wanted is None and shown.startswith("{"):
                assert code == json.loads(shown).get("exit_code", 0), f"{where}: {command}"
            else:
                assert code == int(wanted[1] if wanted else 0), f"{where}: {command}\n{found}"
            if shown.startswith("{"):
                require_like(json.loads(shown), json.loads(output))
            elif shown:
                _compare(shown, found, f"{where}: {command}")

    def _command(self, command: str) -> tuple[int, str, str]:
        """Exit code, standard error and output, as in a pipe of 100 columns."""
        tools = self.folder / ".tools"
        tools.mkdir(exist_ok=True)
        tool = tools / "shapeproof"
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m shapeproof "$@"\n')
        tool.chmod(0o755)
        dropped = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, capture_output=True, text=True,
            timeout=LONGEST, stdin=subprocess.DEVNULL,
            env={**kept, "COLUMNS": "100", "PYTHONPATH": path,
                 "PATH": f"{tools}{os.pathsep}{kept.get('PATH', os.defpath)}"},
        )  # fmt: skip
        return done.returncode, done.stderr, done.stdout


def _require(package: str) -> None:
    if os.environ.get("CI"):
        importlib.import_module(package)
    else:
        pytest.importorskip(package)


def _sessions(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with the output that is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        count = next((n for n in range(1, len(lines) + 1) if _whole("\n".join(lines[:n]))), 1)
        yield "\n".join(lines[:count]), "\n".join(lines[count:]).strip("\n")


def _whole(command: str) -> bool:
    """Whether a command is complete: no quote is open, and no line goes on."""
    if command.rstrip().endswith("\\"):
        return False
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def _compare(shown: str, found: str, where: str) -> None:
    """Line by line; a line ``...`` stands for any lines."""
    parts = re.split(r"^ *\.\.\.$\n?", shown.strip("\n") + "\n", flags=re.MULTILINE)
    pattern = "(?:.*\n)*?".join(re.escape(part) for part in parts)
    lines = [line.rstrip() for line in found.strip("\n").split("\n")]
    assert re.fullmatch(pattern, "\n".join(lines) + "\n"), f"{where} printed\n{found}"


def require_like(shown: Any, found: Any, path: str = "") -> None:
    """The same keys and kinds of values; lists may be cut short in the docs."""
    if isinstance(shown, dict):
        assert isinstance(found, dict), path
        if path.rpartition(".")[2] not in _OPEN:
            assert list(shown) == list(found), path
        for key in set(shown) & set(found):
            require_like(shown[key], found[key], f"{path}.{key}")
    elif isinstance(shown, list):
        assert isinstance(found, list), path
        for one in shown[:1]:
            require_like(one, found[0], f"{path}[0]")
    elif path.rpartition(".")[2] not in _LOOSE:
        assert isinstance(found, type(shown)), path
