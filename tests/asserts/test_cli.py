"""The command, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from asserts.cli import main

QUESTION = ["--size", "b:1..64", "--unbacked", "u", "--assume", "u <= 4*b"]


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0

    text = capsys.readouterr().out
    assert "equal to plain numpy: True" in text
    assert "runtime assert failed" in text
    assert "proved" in text
    assert "a word is too long" in text


def test_demo_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two three four five six seven eight nine ten eleven twelve")

    assert main(["demo", str(path)]) == 0
    assert "12 words" in capsys.readouterr().out
    assert main(["demo", str(tmp_path / "missing.txt")]) == 2
    assert "missing.txt" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "   \n", "word", "a\u00e9\u4e16 b", "x" * 100])
def test_demo_on_odd_texts(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Short and broken texts end with a message, never with a traceback."""
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")

    assert main(["demo", str(path)]) in (0, 1, 2)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err


def test_prove(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "u//8*8 == u", *QUESTION, "--assume", "u % 8 == 0"]) == 0
    assert "ALWAYS" in capsys.readouterr().out
    assert main(["prove", "u < b", *QUESTION]) == 1
    assert "DEPENDS" in capsys.readouterr().out
    assert main(["prove", "u < 0", *QUESTION]) == 1
    assert "NEVER" in capsys.readouterr().out


def test_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bounds", "2*u + 1", *QUESTION]) == 0
    assert "[1, 513]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prove", "u <", "--size", "u"], "column 4"),
        (["prove", "v < 3", "--size", "u"], "unknown symbol `v`"),
        (["prove", "u < 3", "--size", "u:4..2"], "empty"),
        (["prove", "u < 3", "--size", "u:x"], "NAME:MIN..MAX"),
        (["prove", "u < 3", "--size", "u", "--effort", "vast"], "vast"),
        (["prove", "u < 3", "--size", "u", "--assume", "u < 0"], "u < 0"),
        (["bounds", "u +", "--size", "u"], "column"),
        (["insert", "nowhere.py:f"], "nowhere.py"),
        (["insert", "no.such.module:f"], "no.such.module"),
        (["insert", "asserts.examples.pack_words:missing"], "missing"),
        (["insert", "asserts.examples.pack_words"], "FUNCTION"),
        (["insert", "asserts.examples.pack_words:word_arrays"], "--input"),
        (["insert", "asserts.examples.pack_words:pack_words", "--policy", "x"], "strict"),
        (["insert", "asserts.examples.pack_words:pack_words", "--input", "x"], "NAME=DIM"),
    ],
)
def test_bad_input_is_named(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "program",
    [
        "asserts.examples.route_tokens:route_tokens",
        "asserts/examples/pack_words.py:pack_words",
    ],
)
def test_insert_save_report_remove(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "checked.json"
    plain = tmp_path / "plain.json"

    assert main(["insert", program, "-o", str(saved)]) == 0
    assert "inserted" in capsys.readouterr().out
    assert main(["report", str(saved)]) == 0
    assert "already in the graph" in capsys.readouterr().out
    assert main(["remove", str(saved), "-o", str(plain)]) == 0
    assert "removed" in capsys.readouterr().out
    assert "assert_holds" not in plain.read_text()


def test_a_function_of_a_file_with_given_shapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "program.py"
    source.write_text(
        "import numpy as np\n"
        "import asserts\n"
        "def double(x, k):\n"
        "    asserts.check(x.shape[0] >= 2, 'two rows')\n"
        "    return x * 2 + k.shape[0]\n"
    )

    arguments = [f"{source}:double", "--input", "x=n,3:float32", "--input", "k=m:int64"]
    assert main(["insert", *arguments]) == 0
    text = capsys.readouterr().out
    assert "f32[n, 3]" in text
    assert "n >= 2" in text


def test_a_damaged_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "graph.json"
    path.write_text('{"format": "shapeproof-graph", "version": 1')

    assert main(["report", str(path)]) == 2
    assert "damaged text" in capsys.readouterr().err
