"""Where something was said: whose line counts, and how files are shown."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from asserts.examples import pack_words
from shapes import ContradictionError, ShapeEnv
from shapes.base.location import Location, SaidAt, is_internal, shown_file, user_location

OPTION = Location("--assume", 0, "")


def called(place: str, function: Callable[[], object]) -> object:
    """What the function answers when code of another file calls it."""
    space: dict[str, object] = {}
    exec(compile("def wrapper(f): return f()", place, "exec"), space)
    return space["wrapper"](function)  # type: ignore[operator]


def here() -> str | None:
    location = user_location()
    return None if location is None else location.function


# --------------------------------------------------------------------------- which line


def test_every_line_is_its_own_however_often_it_speaks() -> None:
    # (The compiled build keeps lines that were found lately, fewer than there are here.)
    count = 700
    lines = "".join(f"    found.append(here())  # {n}\n" for n in range(count))
    for name in ("first", "second"):
        space: dict[str, object] = {"here": user_location, "found": []}
        exec(compile(f"def {name}():\n{lines}", f"/models/{name}.py", "exec"), space)
        for _ in range(3):
            space["found"].clear()  # type: ignore[attr-defined]
            space[name]()  # type: ignore[operator]
            expected = [Location(f"/models/{name}.py", n + 2, name) for n in range(count)]
            assert space["found"] == expected


def test_a_line_of_code_that_is_gone_is_not_taken_for_anothers() -> None:
    for n in range(2000):
        space: dict[str, object] = {}
        text = "\n" * (n % 7) + "def said(f): return f()"
        exec(compile(text, f"/models/m{n}.py", "exec"), space)
        found = space["said"](user_location)  # type: ignore[operator]
        assert found == Location(f"/models/m{n}.py", n % 7 + 1, "said")


# --------------------------------------------------------------------------- whose line


@pytest.mark.parametrize(
    "wrapper",
    [
        functools.__file__,
        os.path.join(os.path.dirname(os.__file__), "contextlib.py"),
        "<frozen importlib>",
    ],
)
def test_the_standard_library_is_not_a_persons(wrapper: str) -> None:
    assert is_internal(wrapper)
    location = called(wrapper, user_location)
    assert isinstance(location, Location)
    assert (location.file, location.function) == (__file__, "called")


def test_what_is_installed_beside_it_may_be_a_persons() -> None:
    folder = os.path.join(os.path.dirname(os.__file__), "site-packages")
    assert not is_internal(os.path.join(folder, "models", "bert.py"))


def test_wrappers_that_are_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("wrapt")
    module.__file__ = "/somewhere/site-packages/wrapt.py"
    monkeypatch.setitem(sys.modules, "wrapt", module)
    assert is_internal("/somewhere/site-packages/wrapt.py")
    assert not is_internal("/somewhere/site-packages/other.py")


def test_a_folder_that_is_called_numpy_is_a_persons() -> None:
    import numpy as np

    assert not is_internal("/home/me/numpy/model.py")
    assert is_internal(np.__file__)


# --------------------------------------------------------------------------- said elsewhere


def test_facts_of_a_command_name_their_option() -> None:
    env = ShapeEnv()
    env.size("n")
    with SaidAt(OPTION):
        env.assume("n > 3")
        env.size("m", max=7)
    env.assume("n > 4")

    provenance = {fact.spelled: fact.provenance for fact in env.facts}
    assert provenance["n > 3"] == "assumed (from --assume)"
    assert provenance["m <= 7"] == "declared range (from --assume)"
    assert "test_location.py" in provenance["n > 4"]
    copy = ShapeEnv.from_json(env.to_json())
    assert [fact.provenance for fact in copy.facts] == [fact.provenance for fact in env.facts]


def test_a_contradiction_names_the_option() -> None:
    env = ShapeEnv()
    env.size("n", max=3)
    with SaidAt(OPTION), pytest.raises(ContradictionError, match=r"from --assume"):
        env.assume("n > 3")


def test_lines_below_the_block_count() -> None:
    with SaidAt(OPTION):
        assert user_location() == OPTION
        assert here() == "here"
        with SaidAt(Location("--input", 0, "")):
            assert str(user_location()) == "from --input"
        assert user_location() == OPTION
    assert here() == "here"
    location = user_location()
    assert location is not None
    assert location.function == "test_lines_below_the_block_count"


# --------------------------------------------------------------------------- files


def test_files_are_shown_as_people_know_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_file("a.py") == "a.py"
    assert shown_file(str(tmp_path / "sub" / "a.py")) == os.path.join("sub", "a.py")
    assert shown_file(str(tmp_path.parent / "x" / "a.py")) == "a.py"
    assert shown_file(pack_words.__file__) == (
        "asserts.examples.pack_words"
    )
    inside = tmp_path / "venv" / "site-packages"
    monkeypatch.syspath_prepend(str(inside))
    assert shown_file(str(inside / "package" / "module.py")) == "package.module"
    assert shown_file(str(inside / "package" / "__init__.py")) == "package"
    assert shown_file(str(inside / "single.py")) == "single.py"


def test_our_files_have_their_modules_names_however_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert shown_file(pack_words.__file__) == "asserts.examples.pack_words"
