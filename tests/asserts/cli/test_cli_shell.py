"""`shapeproof shell`: its lines, through a pipe and under a pseudo-terminal."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asserts.cli.exits import Exit
from asserts.cli.session import VERBS, Session
from shapes import ShapeEnv
from shapes.errors import (
    ContradictionError,
    ExpressionSyntaxError,
    ExpressionTypeError,
    SerializationError,
    ShapeproofError,
    UnknownSymbolError,
)
from tests.waiting import LONGEST

SHELL = [sys.executable, "-m", "asserts.cli", "shell"]


def fed(*lines: str) -> Session:
    """A session that these lines were said to."""
    session = Session()
    for line in lines:
        session.run(line)
    return session


# --------------------------------------------------------------------------- lines


def test_a_declaration_has_the_ranges_of_the_options() -> None:
    session = fed("size n 2..64, m", "int i", "unbacked u ..9", "bool b", "float x", "size k:3..")
    ranges = {name: session.env.bounds(session.env[name]) for name in "nmiuk"}
    assert {name: (r.lower, r.upper) for name, r in ranges.items() if name != "i"} == {
        "n": (2, 64), "m": (0, ranges["m"].upper), "u": (0, 9), "k": (3, ranges["k"].upper),
    }  # fmt: skip
    assert [info.kind for info in session.env.symbols.values()] == [
        "int", "int", "int", "int", "bool", "float", "int",
    ]  # fmt: skip
    assert [info.name for info in session.env.symbols.values() if not info.backed] == ["u"]


def test_lines_are_the_sources_of_facts() -> None:
    session = fed("size n", "# nothing", "", "n >= 4   # at least four")
    verb, answer = session.run("? n > 3")
    assert (verb, answer.code, answer.fields["status"]) == ("prove", Exit.DONE, "always")
    assert [fact["location"] for fact in answer.fields["proof"]["facts"]] == ["from line 4"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("? n >= 2", Exit.DONE),
        ("?n>=2", Exit.DONE),
        ("prove n >= 2", Exit.DONE),
        ("prove n > 9 given n > 8; n != 9", Exit.DONE),
        ("? n < 2", Exit.REFUTED),
        ("? n == 3", Exit.REFUTED),
        ("bounds n + 1", Exit.DONE),
        ("bounds -n", Exit.DONE),
    ],
)
def test_questions_have_the_exit_codes_of_the_verbs(line: str, code: Exit) -> None:
    assert fed("size n 2..64").run(line)[1].code == code


def test_the_answers_to_questions() -> None:
    session = fed("size n 2..64", "n % 8 == 0")
    fields = {line: session.run(line)[1].fields for line in (
        "bounds 2*n + 1", "congruence n + 3", "simplify n // 8 * 8", "suggest n <= 40",
    )}  # fmt: skip
    assert fields["bounds 2*n + 1"]["lower"] == 17
    assert (fields["congruence n + 3"]["modulus"], fields["congruence n + 3"]["residue"]) == (8, 3)
    assert fields["simplify n // 8 * 8"]["simplified"] == "n"
    assert fields["suggest n <= 40"]["suggestions"][0]["text"]
    assert len(session.run("facts")[1].fields["facts"]) == 4
    assert [one["name"] for one in session.run("ranges")[1].fields["symbols"]] == ["n"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("n*(n % 4 + m)", "n*(n % 4 + m)"),
        ("CeilDiv(n, 4) - m", "CeilDiv(n, 4) - m"),
        ("n < 2**70", "n < 2**70"),
        ("n*(n % 1 + m)*m", "n * m**2"),
        ("n >= 1", "True"),
        ("n - n", "0"),
    ],
)
def test_what_is_simplified_is_not_longer_than_it_was_written(line: str, shown: str) -> None:
    session = fed("size n 2..", "size m")
    assert session.run(f"simplify {line}")[1].fields["simplified"] == shown


def test_undo_and_scopes_go_back() -> None:
    session = fed("size n", "n >= 2")
    before = session.env
    assert session.run("n <= 9")[1].fields == {"stated": "n <= 9"}
    assert session.run("undo")[1].fields == {"undone": "n <= 9"}
    assert session.env is before
    for line in ("begin", "n <= 5", "begin", "n >= 3", "size m"):
        session.run(line)
    assert session.run("end")[1].fields == {"undone": 2}
    assert (session.env.bounds("n").lower, session.env.bounds("n").upper) == (2, 5)
    assert session.run("end")[1].fields == {"undone": 1}
    assert session.env is before
    with pytest.raises(ShapeproofError, match="no scope is open"):
        session.run("end")


def test_undo_leaves_a_scope_that_it_passes() -> None:
    session = fed("size n", "begin", "n <= 5", "undo", "undo")
    assert not session.env.symbols
    with pytest.raises(ShapeproofError, match="no scope is open"):
        session.run("end")
    with pytest.raises(ShapeproofError, match="nothing to undo"):
        session.run("undo")


def test_a_refused_line_changes_nothing() -> None:
    session = fed("size n", "n >= 2")
    before = session.env
    for line, error in (
        ("n <= 1", ContradictionError),
        ("size m, n", ExpressionTypeError),
        ("size k 5..2", ShapeproofError),
        ("size k 5", ShapeproofError),
        ("size ,", ShapeproofError),
        ("bool t 0..1", ShapeproofError),
        ("n + 1", ExpressionTypeError),
        ("facts now", ShapeproofError),
        ("help me", ShapeproofError),
        ("bounds", ShapeproofError),
    ):
        with pytest.raises(error):
            session.run(line)
        assert session.env is before, line
    assert session.number == 12


@pytest.mark.parametrize(
    ("line", "error", "column"),
    [
        ("  ? n +", ExpressionSyntaxError, 8),
        ("bounds 2*(n", ExpressionSyntaxError, 10),
        ("n = 3", ExpressionSyntaxError, 3),
        ("? n > 0 given n ! 2", ExpressionSyntaxError, 17),
        ("? n > wrong", UnknownSymbolError, 7),
        ("wrong > 2  # wrong", UnknownSymbolError, 1),
    ],
)
def test_columns_are_those_of_the_line(
    line: str, error: type[ShapeproofError], column: int
) -> None:
    with pytest.raises(error, match=f"^column {column}: ") as raised:
        fed("size n").run(line)
    assert line.strip() in str(raised.value)


def test_names_of_verbs_may_be_names_of_symbols() -> None:
    session = fed("size size 2..", "size facts", "size >= 3", "assume facts >= size")
    assert session.run("? facts >= 3")[1].code == Exit.DONE


def test_environments_are_saved_and_loaded(tmp_path: Path) -> None:
    file = tmp_path / "env.json"
    session = fed("size n 2..64", "check n % 8 == 0", f"save {file}")
    assert session.run("? n >= 8")[1].code == Exit.DONE
    other = fed("size m", f"load {file}")
    assert list(other.env.symbols) == ["n"]
    assert other.run("? n >= 8")[1].code == Exit.DONE
    other.run("undo")
    assert list(other.env.symbols) == ["m"]
    assert [check.text for check in ShapeEnv.from_json(file.read_text()).checks] == ["n % 8 == 0"]
    file.write_bytes(b"\xff")
    for name, error in ((file, ShapeproofError), (tmp_path / "none", OSError)):
        with pytest.raises(error) as raised:
            other.run(f"load {name}")
        assert not isinstance(raised.value, SerializationError)
        assert list(other.env.symbols) == ["m"]


def test_completions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "two.json").write_text("{}")
    session = fed("size batch, bound, beam")
    complete = session.completions
    assert set(VERBS) < set(complete(""))
    assert complete("bou") == ["bound", "bounds"]
    assert complete("bounds bou") == ["bound"]
    assert complete("? 2*ba") == ["batch"]
    assert complete("?be") == ["beam"]
    assert "ceildiv" in complete("? cei")
    assert complete("help sim") == ["simplify"]
    assert complete("size ba") == []
    assert complete("load ") == ["folder/", "one.json"]
    assert complete("load folder/t") == ["folder/two.json"]
    assert complete("save nowhere/") == []


def test_help_has_every_verb() -> None:
    assert list(fed().run("help")[1].fields["verbs"]) == list(VERBS)
    assert list(fed().run("help prove")[1].fields["verbs"]) == ["prove"]


# --------------------------------------------------------------------------- a pipe


def piped(text: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SHELL, *options], input=text, capture_output=True, text=True, timeout=LONGEST,
        env={**os.environ, **variables},
    )  # fmt: skip


def test_a_script() -> None:
    done = piped("size n 2..64\n? n//2*2 <= n\nbounds 2*n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ALWAYS: `n//2*2 <= n` always holds")
    assert done.stdout.endswith("2 * n in [4, 128]\n2 * n = 0 modulo 2\n")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 0),
        ("size n\n? n >= 0\n? n > 0\n? n >= 0\n", 1),
        ("size n\nint a, b, c\n? a**3 + b**3 + c**3 != 114\n", 3),
        ("size n\n? a\nsize m\n", 2),
        ("size n\nquit\n? n <\n", 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst_answer(text: str, code: int) -> None:
    done = piped(text)
    assert done.returncode == code
    assert bool(done.stderr) == (code == 2)


def test_a_script_ends_where_a_line_is_refused() -> None:
    done = piped("size n\n? n <\nbounds n\n")
    assert done.stdout == ""
    assert done.stderr == (
        "shapeproof: line 2: column 6: an operand is missing\n    ? n <\n         ^\n"
    )


def test_objects_of_one_line_each() -> None:
    done = piped("size n\n\n? n > 0\nbounds n n\n", "--json")
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["verb"], one["exit_code"]) for one in found] == [
        ("size", 0), ("prove", 1), (None, 2),
    ]  # fmt: skip
    assert found[2]["error"]["message"] in done.stderr.replace("line 4: ", "")


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "a\0b", "", ".", "none/x"])
@pytest.mark.parametrize("verb", ["load", "save"])
def test_names_of_files_that_cannot_be(
    verb: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are refused with the reason, and completed with nothing."""
    monkeypatch.chdir(tmp_path)
    session = fed("size n")
    with pytest.raises((ShapeproofError, OSError)):
        session.run(f"{verb} {name}")
    assert session.completions(f"{verb} {name}") == []


def test_quiet_and_a_file_to_begin_with(tmp_path: Path) -> None:
    file = tmp_path / "env.json"
    env = ShapeEnv()
    env.size("n", min=3)
    file.write_text(env.to_json())
    done = piped("? n >= 3\n", "--quiet", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = piped("? n >= 3\n", str(tmp_path / "none.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"shapeproof: {tmp_path / 'none.json'}: No such file or directory\n"


def test_a_pipe_has_no_colours_and_no_prompt() -> None:
    done = piped("size n\n? n >= 0\n", TERM="xterm-256color")
    assert "\x1b" not in done.stdout
    assert "> " not in done.stdout.splitlines()[0].replace(">= ", "")


# --------------------------------------------------------------------------- a terminal


if os.environ.get("CI"):
    pexpect: Any = importlib.import_module("pexpect")
else:
    pexpect = pytest.importorskip("pexpect")


@pytest.fixture(params=["prompt_toolkit", "plain"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A session under a pseudo-terminal of 80 columns, at its first prompt."""
    if request.param == "prompt_toolkit" and not os.environ.get("CI"):
        pytest.importorskip("prompt_toolkit")
    dropped = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "INPUTRC")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    env = {**kept, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1",
           "XDG_STATE_HOME": str(tmp_path)}  # fmt: skip
    options = ["--plain"] if request.param == "plain" else []
    child = pexpect.spawn(
        SHELL[0], [*SHELL[1:], *options], env=env, dimensions=(40, 80), timeout=LONGEST,
        encoding="utf-8", cwd=str(tmp_path),
    )  # fmt: skip
    child.expect("1>")
    yield child
    child.close(force=True)


def interrupt(terminal: Any, prompt: str) -> None:
    """Press Ctrl-C until the next prompt is there (while a line is drawn, readline forgets it
    until the next key)."""
    for _ in range(30):
        terminal.sendintr()
        if terminal.expect([prompt, pexpect.TIMEOUT], timeout=2) == 0:
            return
    raise AssertionError("Ctrl-C has no effect")


def test_a_conversation(terminal: Any, tmp_path: Path) -> None:
    """Verbs and names are completed, errors show the column and do not end it, Ctrl-C drops
    a line, the arrow brings the last one back, Ctrl-D ends it."""
    terminal.sendline("size batch 2..64")
    terminal.expect("2>")
    terminal.send("boun\t")
    terminal.expect("ds")
    terminal.send(" 2*bat\t")
    terminal.expect("ch")
    terminal.send("\r")
    terminal.expect(r"2 \* batch in \[4, 128\]")
    terminal.expect("3>")
    terminal.sendline("? nope > 1")
    terminal.expect("column 3: unknown symbol `nope`")
    terminal.expect(r"\n      \^")
    terminal.expect("4>")
    terminal.send("batch >")
    terminal.expect("batch >")
    interrupt(terminal, "4>")
    terminal.send("\x1b[A\r")
    terminal.expect("column 3: unknown symbol `nope`")
    terminal.expect("5>")
    terminal.sendline("? batch >= 2")
    terminal.expect("\x1b\\[1;32mALWAYS")
    terminal.expect("6>")
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    kept = [file.read_text() for file in (tmp_path / "shapeproof").iterdir()]
    assert any("? batch >= 2" in text for text in kept)


def test_colours_can_be_turned_off(tmp_path: Path) -> None:
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "XDG_STATE_HOME": str(tmp_path)}
    child = pexpect.spawn(
        SHELL[0], [*SHELL[1:], "--plain"], env=env, timeout=LONGEST, encoding="utf-8"
    )
    child.expect("1>")
    child.sendline("? 1 < 2")
    child.expect("ALWAYS")
    assert not child.before.endswith("m")
    child.sendline("quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_history_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1",
           "XDG_STATE_HOME": str(tmp_path / "file")}  # fmt: skip
    for options in ([], ["--plain"]):
        child = pexpect.spawn(
            SHELL[0], [*SHELL[1:], *options], env=env, timeout=LONGEST, encoding="utf-8"
        )
        child.expect("1>")
        child.sendline("quit")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
