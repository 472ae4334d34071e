"""The JSON objects of the command: what `docs/command.md` shows is what is printed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from asserts.cli import main
from asserts.cli.documents import number, of_range
from asserts.cli.exits import MEANINGS
from shapes import ValueRanges, int_oo
from tests.doc_blocks import require_like

DOC = (Path(__file__).parents[3] / "docs" / "command.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```\n\$ shapeproof ([^\n]*)\n(\{.*?)```", DOC, re.DOTALL)
SOURCE, CONTRACTS = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
VERBS = (
    "prove", "bounds", "insert", "remove", "minimise", "report", "verify", "check", "fleet", "demo",
)  # fmt: skip


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code = main(arguments)
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "program.py").write_text(SOURCE)
    (tmp_path / "layers.py").write_text(CONTRACTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_the_docs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = set()
    for command, text in EXAMPLES:
        shown = json.loads(text)
        code, found = printed(shlex.split(command), capsys)
        assert code == found["exit_code"] == shown["exit_code"], command
        assert found["verb"] == shown["verb"] == command.split()[0]
        require_like(shown, found)
        seen.add(found["verb"])
    assert seen == set(VERBS)
    assert len(EXAMPLES) == 12


def test_the_exit_codes_of_the_docs() -> None:
    for code, text in MEANINGS.items():
        assert f"| {code.value} | {text} |" in DOC


@pytest.mark.parametrize("verb", VERBS)
def test_errors_are_objects_too(
    verb: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input of each verb, and an option that there is not."""
    places = {"prove": ["n <"], "bounds": ["n +"], "verify": ["no.json", "no.json"]}
    places["fleet"] = ["no.json", "-o", "reports"]
    arguments = [verb, *places.get(verb, ["no.json"])]
    assert main([*arguments, "--json"]) == 2
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["exit_code"] == 2
    assert found["verb"] == verb
    assert found["error"]["message"] in shown.err
    code, found = printed([*arguments, "--json", "--no-such-option"], capsys)
    assert (code, found["verb"]) == (2, verb)
    assert "--no-such-option" in found["error"]["message"]


def test_exceptions_of_the_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.py").write_text("print('hello')\ndef f(): raise ValueError('mine')\n")
    code, found = printed(["insert", "bad.py:f", "--json"], capsys)
    assert code == 2
    assert found["error"] == {
        "kind": "ValueError",
        "message": "the program raised ValueError: mine",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, 3),
        (-(10**30), -(10**30)),
        (True, True),
        (int_oo, None),
        (-int_oo, None),
        (0.5, 0.5),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers(value: Any, shown: Any) -> None:
    assert number(value) == shown
    assert type(number(value)) is type(shown)
    json.dumps(number(value), allow_nan=False)


def test_integers_that_python_does_not_write_in_decimal() -> None:
    for value in (10**5000, -(10**5000)):
        assert number(value) == hex(value)


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (ValueRanges(1, int_oo), "int"),
        (ValueRanges(False, True), "bool"),
        (ValueRanges(-float("inf"), 0.5, nan=True), "float"),
    ],
)
def test_ranges(known: ValueRanges, kind: str) -> None:
    found = of_range(known)
    assert found["kind"] == kind
    json.dumps(found, allow_nan=False)


def test_json_is_printed_even_if_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = printed(["prove", "n >= 0", "--size", "n", "--json", "--quiet"], capsys)
    assert (code, found["status"]) == (0, "always")
