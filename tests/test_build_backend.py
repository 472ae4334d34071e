"""Whether a wheel is compiled: who decides, and what happens where it cannot be."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("setuptools")

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "build_backend.py"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("build_backend", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv(module.VARIABLE, raising=False)
    monkeypatch.setattr(
        module.build_meta, "get_requires_for_build_wheel", lambda settings=None: ["wheel"]
    )
    return module


@pytest.fixture
def builds(backend: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``setup.py`` was told, each time that a wheel was built."""
    told: list[str] = []

    def build(*arguments: object) -> str:
        told.append(os.environ[backend.VARIABLE])
        return f"wheel {told[-1]}"

    monkeypatch.setattr(backend.build_meta, "build_wheel", build)
    return told


def probing(monkeypatch: pytest.MonkeyPatch, backend: Any, found: Callable[[], bool]) -> None:
    monkeypatch.setattr(backend, "can_compile", found)


def never() -> bool:
    raise AssertionError("a compiler is looked for")


@pytest.mark.parametrize("found", [True, False])
def test_the_machine_decides(
    backend: Any, builds: list[str], monkeypatch: pytest.MonkeyPatch, found: bool
) -> None:
    probing(monkeypatch, backend, lambda: found)
    assert (backend.MYPYC in backend.get_requires_for_build_wheel()) is found
    assert backend.build_wheel("here") == f"wheel {int(found)}"
    assert builds == [str(int(found))]
    assert backend.VARIABLE not in os.environ


@pytest.mark.parametrize("said", ["0", "1"])
def test_the_variable_decides(
    backend: Any, builds: list[str], monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    probing(monkeypatch, backend, never)
    monkeypatch.setenv(backend.VARIABLE, said)
    assert (backend.MYPYC in backend.get_requires_for_build_wheel()) is (said == "1")
    assert backend.build_wheel("here") == f"wheel {said}"
    assert builds == [said]
    assert os.environ[backend.VARIABLE] == said


@pytest.mark.parametrize("error", [ImportError("no mypyc"), SystemExit("cc failed")])
def test_what_cannot_be_compiled_is_installed_as_it_is(
    backend: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    probing(monkeypatch, backend, lambda: True)

    def build(*arguments: object) -> str:
        if os.environ[backend.VARIABLE] == "1":
            raise error
        return "plain"

    monkeypatch.setattr(backend.build_meta, "build_wheel", build)
    assert backend.build_wheel("here") == "plain"
    assert str(error) in capsys.readouterr().err
    monkeypatch.setenv(backend.VARIABLE, "1")
    with pytest.raises(type(error)):
        backend.build_wheel("here")


def test_other_words_are_refused(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.VARIABLE, "yes")
    with pytest.raises(ValueError, match="0, 1 or not set"):
        backend.build_wheel("here")


def test_a_compiler_that_fails_is_none(
    backend: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend, "PROGRAM", "this is not C\n")
    assert backend.can_compile() is False
    assert "nothing is compiled" in capsys.readouterr().err


def test_editable_installs_compile_nothing(backend: Any) -> None:
    for name in ("build_editable", "get_requires_for_build_editable"):
        assert getattr(backend, name) is getattr(backend.build_meta, name)
