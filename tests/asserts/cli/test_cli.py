"""The command, as a person types it: the verbs, their options, and what is refused."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from asserts.cli import main
from asserts.cli.app import EXAMPLES, app
from asserts.cli.exits import MEANINGS
from asserts.cli.expressions import expressions_last

QUESTION = ["--size", "b:1..64", "--unbacked", "u", "--assume", "u <= 4*b"]
PACK = "asserts.examples.pack_words:pack_words"


# --------------------------------------------------------------------------- demo


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
    assert "missing.txt: No such file" in capsys.readouterr().err
    assert main(["demo", str(tmp_path)]) == 2
    assert f"{tmp_path}: Is a directory" in capsys.readouterr().err


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
    assert "internal error" not in shown.err


# --------------------------------------------------------------------------- questions


def test_prove(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "u//8*8 == u", *QUESTION, "--assume", "u % 8 == 0"]) == 0
    assert "ALWAYS" in capsys.readouterr().out
    assert main(["prove", "u < b", *QUESTION]) == 1
    assert "DEPENDS" in capsys.readouterr().out
    assert main(["prove", "u < 0", *QUESTION]) == 1
    assert "NEVER" in capsys.readouterr().out
    cubes = ["prove", "i**3 + j**3 != 29", "--int", "i", "--int", "j", "--effort", "quick"]
    assert main(cubes) == 3
    assert "UNKNOWN" in capsys.readouterr().out


def test_proofs_name_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "u <= 256", *QUESTION]) == 0
    text = capsys.readouterr().out
    assert "[assumed (from --assume)]" in text
    assert "[declared range (from --size)]" in text
    assert main(["prove", "u < 3", *QUESTION, "--assume", "u > 256"]) == 2
    text = capsys.readouterr().err
    assert "u > 256  [assumed (from --assume)]" in text
    assert "b <= 64  [declared range (from --size)]" in text
    assert ".py" not in text


def test_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bounds", "2*u + 1", *QUESTION]) == 0
    text = capsys.readouterr().out
    assert "[1, 513]" in text
    assert "= 1 modulo 2" in text


@pytest.mark.parametrize(
    ("option", "text", "shown"),
    [
        ("--size", "x", "[0, int_oo]"),
        ("--size", "x:3..", "[3, int_oo]"),
        ("--size", "x:..7", "[0, 7]"),
        ("--size", "x:0..int_oo", "[0, int_oo]"),
        ("--size", "x:5..5", "[5, 5]"),
        ("--int", "x", "[-int_oo, int_oo]"),
        ("--int", "x:-7..-3", "[-7, -3]"),
        ("--int", "x:-int_oo..4", "[-int_oo, 4]"),
        ("--unbacked", "x:..7", "[0, 7]"),
        ("--unbacked", "x:-3..7", "[-3, 7]"),
    ],
)
def test_ranges(
    option: str, text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bounds", "x", option, text]) == 0
    assert shown in capsys.readouterr().out


# --------------------------------------------------------------------------- a leading minus


@pytest.mark.parametrize(
    "claim", ["-x<=0", "-x <= 0", "--x>=0", "- x <= 0", "-1 < x", "-(x) <= 0", "-q<=0", "-q*2<=q"]
)
def test_claims_that_begin_with_a_minus(claim: str) -> None:
    known = ["--size", "x", "--size", "q"]
    assert main(["prove", claim, *known]) == 0
    assert main(["prove", *known, claim]) == 0
    assert main(["prove", *known, "--", claim]) == 0
    assert main(["bounds", *known, claim]) == 0


def test_facts_that_begin_with_a_minus() -> None:
    assert main(["prove", "x < 4", "--int", "x", "--assume", "-x > -4"]) == 0
    assert main(["prove", "x < 4", "--int", "x", "--assume=-x > -4"]) == 0


@pytest.mark.parametrize("option", ["--sise", "--assumed=x", "--no-such"])
def test_misspelled_options_are_no_claims(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", "x >= 0", "--size", "x", option]) == 2
    assert "No such option" in capsys.readouterr().err


@given(st.lists(st.sampled_from(["--size", "x", "-q", "--json", "-x", "-1", "--", "--a=1"])))
def test_no_argument_is_lost(args: list[str]) -> None:
    """Arguments only change places: expressions go behind a ``--``."""
    takes_value = {"--size": True, "-q": False, "--json": False}
    found = expressions_last(args, takes_value)
    assert Counter(found) - Counter(args) <= Counter(["--"])
    assert found[-1:] == ["--size"] or Counter(args) - Counter(found) <= Counter(["--"])
    assert expressions_last(found, takes_value) == found


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prove", "u <", "--size", "u"], "column 4"),
        (["prove", "v < 3", "--size", "u"], "unknown symbol `v`"),
        (["prove", "u + 3", "--size", "u"], "condition"),
        (["prove", "u < 3", "--size", "u:4..2"], "--size u:4..2: the range is empty"),
        (["prove", "u < 3", "--int", "u:4..2"], "--int u:4..2: the range is empty"),
        (["prove", "u < 3", "--unbacked", "u:..-2"], "(min 0 > max -2)"),
        (["prove", "u < 3", "--size", "u:x"], "NAME:MIN..MAX"),
        (["prove", "u < 3", "--size", "u:"], "--size u:"),
        (["prove", "u < 3", "--size", "u:1"], "--size u:1"),
        (["prove", "u < 3", "--size", "u:1...3"], "--size u:1...3"),
        (["prove", "u < 3", "--size", "u:1.5..3"], "--size u:1.5..3"),
        (["prove", "u < 3", "--size", "u:-3..7"], "a size is at least 0; use --int u:-3..7"),
        (["prove", "u < 3", "--size", "u", "--int", "u"], "`u`"),
        (["prove", "u < 3", "--size", "2"], "'2'"),
        (["prove", "u < 3", "--size", ""], "''"),
        (["prove", "u < 3", "--size", "u", "--effort", "vast"], "vast"),
        (["prove", "u < 3", "--size", "u", "--assume", "u < 0"], "u < 0"),
        (["prove", "u < 3", "--size", "u", "--assume", "u <"], "column"),
        (["prove", "u < 3", "u < 4", "--size", "u"], "u < 4"),
        (["prove", "--size", "u"], "CLAIM"),
        (["prove", "u < 3", "--size"], "--size"),
        (["prov"], "'prov'"),
        (["--sise"], "--sise"),
        (["bounds", "u +", "--size", "u"], "column"),
        (["insert", "nowhere.py:f"], "nowhere.py"),
        (["insert", "no.such.module:f"], "no.such.module"),
        (["insert", "asserts:f"], "'f'"),
        (["insert", "asserts/examples"], "asserts/examples"),
        (["insert", "asserts/examples.py:f"], "asserts/examples.py"),
        (["insert", "model.onnx"], "model.onnx"),
        (["insert", "asserts.examples.pack_words:missing"], "missing"),
        (["insert", "asserts.examples.pack_words"], "FUNCTION"),
        (["insert", "asserts.examples.pack_words:word_arrays"], "--input"),
        (["insert", PACK, "--policy", "x"], "strict"),
        (["insert", PACK, "--input", "x"], "NAME=DIM"),
        (["insert", PACK, "--input", "x=n"], "has no parameter 'x'"),
        (["insert", PACK, "--input", "codes=n", "--input", "codes=m"], "twice"),
        (["insert", PACK, "--module", "no.such.module"], "no.such.module"),
        (["insert", PACK, "-o", "x.txt"], "x.txt"),
        (["insert", PACK, "-o", "no/such/folder/x.json"], "no/such/folder/x.json: No such"),
        (["verify", PACK], "B"),
        (["verify", PACK, PACK, "--trials", "x"], "--trials"),
        (["verify", PACK, PACK, "--trials", "-1"], "--trials -1"),
    ],
)
def test_bad_input_is_named(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err


# --------------------------------------------------------------------------- programs


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
    text = capsys.readouterr().out
    assert text.startswith("runtime asserts: ")
    assert "already in the graph" in text
    assert main(["remove", str(saved), "-o", str(plain)]) == 0
    assert "removed" in capsys.readouterr().out
    assert "assert_holds" not in plain.read_text()
    assert main(["minimize", str(saved), "-o", str(saved)]) == 0


def test_a_function_of_a_file_with_given_shapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "program.py"
    source.write_text(
        "import numpy as np\n"
        "import asserts\n"
        "print('read')\n"
        "def double(x, k):\n"
        "    asserts.check(x.shape[0] >= 2, 'two rows')\n"
        "    return x * 2 + k.shape[0]\n"
    )

    arguments = [f"{source}:double", "--input", "x=n,3:float32", "--input", "k=m:int64"]
    assert main(["insert", *arguments]) == 0
    shown = capsys.readouterr()
    assert "f32[n, 3]" in shown.out
    assert "n >= 2" in shown.out
    assert "read" not in shown.out
    assert shown.err == "read\n"
    assert str(tmp_path) not in shown.out


def test_options_for_functions_are_refused_for_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(tmp_path / "checked.json")
    assert main(["insert", PACK, "-o", saved, "--quiet"]) == 0
    for option in (["--input", "codes=n"], ["--module", "json"]):
        for verb in ("insert", "remove", "minimise", "report"):
            assert main([verb, saved, *option]) == 2
            assert f"{option[0]} {option[1]}" in capsys.readouterr().err
        assert main(["verify", saved, saved, *option]) == 2
        assert f"{option[0]} {option[1]}" in capsys.readouterr().err


def test_verify_with_a_function_and_a_file(tmp_path: Path) -> None:
    source = tmp_path / "program.py"
    source.write_text("def f(x): return x[:2]\ndef g(x): return x[:3]\n")
    one, two = f"{source}:f", f"{source}:g"
    saved = str(tmp_path / "f.json")
    assert main(["insert", one, "--input", "x=n", "-o", saved]) == 0
    assert main(["verify", one, saved, "--input", "x=n"]) == 0
    assert main(["verify", saved, two, "--input", "x=n"]) == 1


def test_nothing_that_both_accept_is_undecided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "program.py"
    source.write_text(
        "import asserts\n"
        "def f(x):\n"
        "    asserts.check(x.sum() == 12345.678)\n"
        "    return x\n"
    )
    saved = str(tmp_path / "f.json")
    assert main(["insert", f"{source}:f", "--input", "x=n", "-o", saved]) == 0
    assert main(["verify", saved, saved]) == 3
    assert "nothing was compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\xf1", b"", b"{}", b"[1]", b"null", b"\xef\xbb\xbf{}", "{}".encode("utf-16"),
     b'{"format": "shapeproof-graph", "version": 1'],
)  # fmt: skip
def test_a_damaged_file_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(content)

    for verb in ("report", "insert", "remove", "minimise"):
        assert main([verb, str(path)]) == 2
        text = capsys.readouterr().err
        assert str(path) in text
        assert "Traceback" not in text
        assert "internal error" not in text


def test_exceptions_of_the_program_are_shown_by_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "helper.py").write_text("def deep(x):\n    return {}[x.shape[0] * 0 == 1]\n")
    source = tmp_path / "program.py"
    source.write_text("import helper\ndef f(x):\n    return helper.deep(x)\n")
    assert main(["insert", f"{source}:f", "--input", "x=n"]) == 2
    text = capsys.readouterr().err
    assert 'program.py", line 3, in f' in text
    assert 'helper.py", line 2, in deep' in text
    assert "asserts" not in text.replace(str(tmp_path), "")
    assert text.count("File ") == 2


@pytest.mark.parametrize("body", ["1/0", "import no_such_module_at_all", "def f(:", "\x00"])
def test_files_that_fail_when_they_are_read(
    body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "program.py"
    source.write_text(body)
    assert main(["insert", f"{source}:f"]) == 2
    text = capsys.readouterr().err
    assert "program.py" in text
    assert "/asserts/" not in text
    assert "frozen" not in text


def test_errors_of_ours_name_the_users_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "program.py"
    source.write_text("def f(x, y):\n    return x @ y\n")
    shapes = ["--input", "x=3,4", "--input", "y=5,6"]
    assert main(["insert", f"{source}:f", *shapes]) == 2
    assert "at program.py:2 in f: return x @ y" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("class Own(BaseException): pass\ndef f(): raise Own('mine')", "Own: mine"),
        ("class Own(Exception):\n    def __str__(self): 1/0\ndef f(): raise Own", "Own"),
        ("def f(): raise ValueError('two\\nlines')", "two\nlines"),
        ("def f(): return f()", "RecursionError"),
        ("def f(): raise MemoryError", "MemoryError"),
        ("def f(): open('/no/such/file')", "'/no/such/file'"),
        ("import sys\nsys.stdout.close()\ndef f(): 1/0", ""),
        ("input()\ndef f(): pass", "EOFError"),
    ],
)
def test_whatever_a_program_raises(body: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(body)
    done = subprocess.run(
        [sys.executable, "-m", "asserts.cli", "insert", "program.py:f"],
        cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "internal error" not in done.stderr
    assert len(done.stderr) < 3000


def test_a_program_does_not_see_our_arguments(tmp_path: Path) -> None:
    source = tmp_path / "program.py"
    source.write_text(
        "import argparse\n"
        "argparse.ArgumentParser().parse_args()\n"
        "def f(x): return x\n"
    )
    assert main(["insert", f"{source}:f", "--input", "x=n", "--quiet"]) == 0


# --------------------------------------------------------------------------- all verbs


@pytest.mark.parametrize(
    "example", [e for verb in ("prove", "bounds") for e in EXAMPLES[verb]]
)
def test_examples_of_the_help(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(example)[1:]) in (0, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["prove", "n >= 0", "--size", "n"], 0),
        (["prove", "n > 0", "--size", "n"], 1),
        (["bounds", "n", "--size", "n"], 0),
        (["insert", PACK], 0),
        (["remove", PACK], 0),
        (["minimise", PACK], 0),
        (["report", PACK], 0),
        (["verify", PACK, PACK, "--trials", "3"], 0),
        (["demo"], 0),
    ],
)
@pytest.mark.parametrize("quiet", ["--quiet", "-q"])
def test_quiet(
    arguments: list[str], code: int, quiet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, quiet]) == code
    assert capsys.readouterr() == ("", "")


def test_help_tells_verbs_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for meaning in MEANINGS.values():
        assert " ".join(meaning.split()) in text
    for verb, examples in EXAMPLES.items():
        assert main([verb, "--help"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "--json" in text or verb == "serve"  # (it answers over HTTP)
        for example in examples:
            assert " ".join(example.split())[:60] in text


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "prove" in capsys.readouterr().out


def test_the_app_in_typers_runner() -> None:
    runner = CliRunner()
    found = runner.invoke(app, ["prove", "n > 0", "--size", "n"])
    assert (found.exit_code, "DEPENDS" in found.output) == (1, True)
    assert runner.invoke(app, ["--version"]).output.startswith("shapeproof ")
    assert runner.invoke(app, ["prove", "n >", "--size", "n"]).exit_code == 2


def test_an_error_of_our_own_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from shapes.env.shape_env import ShapeEnv

    monkeypatch.setattr(ShapeEnv, "prove", None)
    assert main(["prove", "n > 0", "--size", "n"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("shapeproof: internal error: TypeError: ")
    assert len(text.splitlines()) == 1
    monkeypatch.setenv("SHAPEPROOF_TRACEBACK", "1")
    assert main(["prove", "n > 0", "--size", "n"]) == 2
    assert "Traceback" in capsys.readouterr().err
