"""Records behave as frozen dataclasses do, and cost less to load."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from typing import Any

import pytest

from shapes.base.records import record, replace


@record(frozen=True)
class Plain:
    x: int
    y: str = "why"

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")

    @property
    def twice(self) -> int:
        return 2 * self.x


@record(frozen=True, slots=True)
class Slotted:
    x: int
    y: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.x}>"


@record(frozen=True, eq=False, slots=True)
class Own:
    x: int


def test_construction() -> None:
    assert (Plain(1).x, Plain(1).y, Plain(x=2, y="z").y, Plain(3).twice) == (1, "why", "z", 6)
    assert Slotted(1, (2,)).y == (2,)
    made: Any = Plain
    with pytest.raises(TypeError, match="missing"):
        made()
    with pytest.raises(TypeError, match="unexpected"):
        made(1, z=3)
    with pytest.raises(ValueError, match="negative"):
        Plain(-1)


def test_the_signature_is_that_of_the_fields() -> None:
    @record(frozen=True)
    class Fresh:
        x: int
        y: str = "why"

    for _ in range(2):
        shown = inspect.signature(Fresh)
        assert list(shown.parameters) == ["x", "y"]
        assert shown.parameters["x"].default is inspect.Parameter.empty
        assert shown.parameters["y"].default == Fresh(1).y


@pytest.mark.parametrize("one", [Plain(1), Slotted(1), Own(1)])
def test_nothing_changes(one: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="`x` stays"):
        one.x = 2
    with pytest.raises(AttributeError):
        del one.x
    assert one.x == 1
    if type(one) is not Plain:
        assert not hasattr(one, "__dict__")


def test_equality() -> None:
    assert Plain(1) == Plain(1) != Plain(2)
    assert hash(Plain(1)) == hash(Plain(1))
    assert Plain(1) != Slotted(1)
    assert Own(1) != Own(1)
    one = Own(1)
    assert {one: 1}[one] == 1


@pytest.mark.parametrize("one", [Plain(1, "b"), Slotted(1, (2, 3))])
def test_copies(one: Any) -> None:
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == copy.deepcopy(one) == one
    assert replace(one, x=5).x == dataclasses.replace(one, x=5).x == 5
    assert replace(one, x=5).y == one.y
    with pytest.raises(TypeError):
        replace(one, z=1)


def test_what_dataclasses_say_of_them() -> None:
    assert dataclasses.is_dataclass(Plain)
    assert [f.name for f in dataclasses.fields(Slotted)] == ["x", "y"]
    assert dataclasses.asdict(Plain(1)) == {"x": 1, "y": "why"}
    assert repr(Plain(1)) == "Plain(x=1, y='why')"
    assert repr(Slotted(1)) == "<1>"
    match Plain(4):
        case Plain(x, y):
            assert (x, y) == (4, "why")


def test_importing_the_engine_does_not_load_what_dataclasses_need() -> None:
    code = "import sys; before = 'inspect' in sys.modules; import shapes;"
    code += "sys.exit(not before and 'inspect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ((), {}, "missing 1 required positional argument: 'x'"),
        ((1, (), 3, 4), {}, "takes from 2 to 3 positional arguments but 5 were given"),
        ((1,), {"x": 2}, "got multiple values for argument 'x'"),
        ((1,), {"other": 2}, "got an unexpected keyword argument 'other'"),
    ],
)
def test_wrong_arguments_are_named(given: Any, named: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError) as caught:
        Slotted(*given, **named)
    assert said in str(caught.value)
