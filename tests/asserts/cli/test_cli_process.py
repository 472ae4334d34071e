"""The command as a process: its streams, signals and files."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import LONGEST

CLI = [sys.executable, "-m", "asserts.cli"]
PACK = "asserts.examples.pack_words:pack_words"
PROVED = ["prove", "n >= 0", "--size", "n"]
REFUTED = ["prove", "n > 0", "--size", "n"]
SLOW = "import time\nprint('begun', flush=True)\ntime.sleep(3600)\n"


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*CLI, *arguments], capture_output=True, text=True, timeout=LONGEST, **options
    )


def environment(**changes: str) -> dict[str, str]:
    dropped = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")
    return {k: v for k, v in os.environ.items() if k not in dropped} | changes


# --------------------------------------------------------------------------- names


@pytest.mark.parametrize("module", ["asserts.cli", "shapeproof"])
def test_the_modules_run(module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shapeproof ")


def test_a_launcher_is_no_line_of_the_user(tmp_path: Path) -> None:
    launcher = tmp_path / "launcher"
    launcher.write_text("import sys\nfrom asserts.cli import main\nsys.exit(main())\n")
    arguments = ["prove", "u//8*8 == u", "--unbacked", "u", "--assume", "u % 8 == 0"]
    done = subprocess.run(
        [sys.executable, str(launcher), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "from --assume" in done.stdout
    assert "launcher" not in done.stdout


def test_completion() -> None:
    done = run(env=environment(_SHAPEPROOF_COMPLETE="source_bash"))
    assert done.returncode == 0
    assert "_SHAPEPROOF_COMPLETE=complete_bash" in done.stdout
    done = run(env=environment(
        _SHAPEPROOF_COMPLETE="complete_bash", COMP_WORDS="shapeproof mini", COMP_CWORD="1"
    ))  # fmt: skip
    assert done.stdout.split() == ["minimise"]


# --------------------------------------------------------------------------- streams


@pytest.mark.parametrize("arguments", [["demo"], ["--help"], ["demo", "--json"], REFUTED])
def test_a_reader_that_goes_away(arguments: list[str]) -> None:
    """Nothing is said of it, and the exit code is that of the answer."""
    process = subprocess.Popen(
        [*CLI, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == (1 if arguments is REFUTED else 0)


@pytest.mark.parametrize(("arguments", "code"), [(PROVED, 0), (REFUTED, 1), (["prove"], 2)])
@pytest.mark.parametrize("closed", ["1", "2", "1,2"])
def test_closed_streams(arguments: list[str], code: int, closed: str) -> None:
    script = "".join(f"exec {stream}>&-; " for stream in closed.split(","))
    done = subprocess.run(
        ["sh", "-c", f'{script} exec "$@"', "sh", *CLI, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full disk")
def test_a_full_disk_behind_standard_output() -> None:
    for arguments in (PROVED, [*PROVED, "--json"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*CLI, *arguments], stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert done.returncode == 2
        assert done.stderr == "shapeproof: standard output: No space left on device\n"


def test_other_encodings() -> None:
    done = run("report", PACK, env=environment(PYTHONIOENCODING="ascii", COLUMNS="80"))
    assert (done.returncode, done.stderr) == (0, "")
    done.stdout.encode("ascii")
    if sys.getfilesystemencoding() != "utf-8":
        return  # (no such argument can be given)
    done = run("prove", "\u03b1 >= 0", "--size", "\u03b1",
               env=environment(PYTHONIOENCODING="ascii"))  # fmt: skip
    assert "\\u03b1" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_arguments_that_are_not_utf8() -> None:
    done = subprocess.run(
        [*CLI, "prove", b"\xff >= 0", "--size", b"\xff"], capture_output=True
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_colours() -> None:
    assert "\x1b[" not in run(*PROVED, env=environment()).stdout
    assert "\x1b[" in run(*PROVED, env=environment(FORCE_COLOR="1")).stdout
    both = run("insert", PACK, env=environment(FORCE_COLOR="1", NO_COLOR="1")).stdout
    assert "\x1b" not in both


def test_what_a_program_prints_is_not_the_answer(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(
        "import os, sys\n"
        "print('one'); sys.stdout.write('two\\n'); sys.__stdout__.write('three\\n')\n"
        "sys.__stdout__.flush(); os.system('echo four'); os.chdir('/'); sys.path.clear()\n"
        "def f(x):\n"
        "    print('five')\n"
        "    return x\n"
    )
    arguments = ["insert", "noisy.py:f", "--input", "x=n", "-o", "out.json", "--json"]
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["output"] == "out.json"
    assert sorted(done.stderr.split()) == ["five", "four", "one", "three", "two"]
    assert (tmp_path / "out.json").is_file()


# --------------------------------------------------------------------------- signals, files


def test_an_interrupt(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [*CLI, "insert", "slow.py:f"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, out) == (130, "")
    assert err == "shapeproof: interrupted\n"


def test_nothing_is_half_written(tmp_path: Path) -> None:
    """The largest file that may be written is smaller than the program."""
    target = tmp_path / "checked.json"
    target.write_text("before")
    done = run(
        "insert", PACK, "-o", str(target),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"shapeproof: {target}: ")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("before")
    link.symlink_to(target)
    assert run("insert", PACK, "-o", str(link), "-q").returncode == 0
    assert link.is_symlink()
    assert "shapeproof" in target.read_text()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "$@"'
    command = ["sh", "-c", script, "sh", *CLI, *PROVED]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    command = ["sh", "-c", script, "sh", *CLI, "insert", PACK]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
