"""What torch's data-dependent errors say besides: lines that are pasted, and settle it."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch._dynamo.exc import UserError
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from asserts.dialects.torch import installed
from asserts.dialects.torch.export.advice import UndecidedError, torch_text
from shapes.base import shown_file
from shapes.expr.nodes import make, symbol
from shapes.traversal.evaluate import evaluate
from tests.torch.programs import DYNAMIC, Inputs, rows, scalar

LINE = re.compile(r"^    (torch\._check\(.*\))$", re.MULTILINE)

Write = Callable[[str, str], nn.Module]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Makes a module of the body of `forward`, with a line put in the place of ``#``."""

    def made(body: str, line: str = "pass") -> nn.Module:
        code = textwrap.indent(textwrap.dedent(body).replace("#", line), " " * 8)
        text = "import torch\n\nclass Pasted(torch.nn.Module):\n"
        text += f"    def forward(self, x, n):\n{code}\n"
        path = tmp_path / f"pasted_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, module)
        spec.loader.exec_module(module)
        return module.Pasted()  # type: ignore[no-any-return]

    return made


class Case(NamedTuple):
    """A body that torch cannot export, its inputs, and lines that must be suggested."""

    body: str
    inputs: Inputs
    expected: tuple[str, ...]


CASES = {
    "branch": Case(
        """
        k = n.item()
        torch._check(k >= 0)
        #
        return x + 1 if k > 3 else x - 1
        """,
        (rows(4), scalar(1)),
        ("torch._check(k >= 4)", "torch._check(k <= 3)"),
    ),
    "size of a result": Case(
        """
        y = x[x[:, 0] > 0]
        #
        return y if y.shape[0] == 0 else y * 2
        """,
        (rows(4), scalar(1)),
        ("torch._check(y.shape[0] == 0)", "torch._check(y.shape[0] != 0)"),
    ),
    "size of an input": Case(
        """
        a, b = n.tolist()
        torch._check(a >= 0)
        torch._check(b >= 0)
        #
        return x if a * b > x.shape[0] else x * 2
        """,
        (rows(4), torch.tensor([1, 2])),
        ("torch._check(a * b <= x.shape[0])",),
    ),
    "computed": Case(
        """
        y = x[x[:, 0] > 0]
        z = y[1:]
        #
        return z if z.shape[0] % 4 == 0 else z + 1
        """,
        (rows(4), scalar(1)),
        ("torch._check(z.shape[0] % 4 == 0)",),
    ),
    "items of a list": Case(
        """
        sizes = n.tolist()
        #
        return x if sizes[0] >= sizes[1] else x * 2
        """,
        (rows(4), torch.tensor([1, 2])),
        ("torch._check(sizes[1] <= sizes[0])",),
    ),
    "read again": Case(
        """
        #
        return x if n.item() > 3 else x * 2
        """,
        (rows(4), scalar(1)),
        ("torch._check(n.item() >= 4)",),
    ),
    "alternatives": Case(
        """
        a, b = n.tolist()
        #
        return x if (a > 3) | (b > x.shape[0]) else x * 2
        """,
        (rows(4), torch.tensor([1, 2])),
        ("torch._check(a >= 4)", "torch._check(x.shape[0] < b)"),
    ),
}  # fmt: skip


def export(
    module: nn.Module, inputs: Inputs, strict: bool = False, decide: bool | str = True
) -> Any:
    with installed(decide=decide):
        return torch.export.export(
            module, inputs, dynamic_shapes=({0: DYNAMIC}, None), strict=strict
        )


def suggested(module: nn.Module, inputs: Inputs, strict: bool = False) -> list[str]:
    expected = UserError if strict else GuardOnDataDependentSymNode
    with pytest.raises(expected) as caught:
        export(module, inputs, strict)
    return LINE.findall(str(caught.value))


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_suggested_line_settles_it(case: Case, write: Write) -> None:
    lines = suggested(write(case.body, "pass"), case.inputs)

    assert set(case.expected) <= set(lines)
    for line in lines:
        export(write(case.body, line), case.inputs)


@pytest.mark.parametrize("name", ["branch", "size of an input", "items of a list"])
def test_dynamos_variables_have_names_too(name: str, write: Write) -> None:
    case = CASES[name]

    lines = suggested(write(case.body, "pass"), case.inputs, strict=True)

    assert set(case.expected) <= set(lines)
    for line in lines:
        export(write(case.body, line), case.inputs, strict=True)


def test_a_text_among_the_variables_is_none_of_dynamos_lists(write: Write) -> None:
    """(dynamo takes a text for its letters, and a letter for itself.)"""
    body = "label = 'few'\nk = n.item()\nif k > 2:\n    x = x + len(label)\nreturn x"

    lines = suggested(write(body, "pass"), (torch.ones(3), torch.tensor(3)), strict=True)

    assert lines == ["torch._check(k >= 3)", "torch._check(k <= 2)"]


def test_a_pasted_line_is_enforced(write: Write) -> None:
    case = CASES["branch"]

    run = export(write(case.body, "torch._check(k <= 3)"), case.inputs).module()

    torch.testing.assert_close(run(rows(4), scalar(3)), rows(4) - 1)
    with pytest.raises(RuntimeError):
        run(rows(4), scalar(4))


class Helped(nn.Module):
    """The decision is in a function of its own, with names of its own."""

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return halved(x, n.item())


def halved(values: torch.Tensor, count: Any) -> torch.Tensor:
    return values / 2 if count % 2 == 0 else values


def test_the_line_is_for_the_function_that_has_the_names() -> None:
    with pytest.raises(UndecidedError) as caught:
        export(Helped(), (rows(4), scalar(1)))

    assert "torch._check(count % 2 == 0)" in caught.value.lines
    assert "in halved" in caught.value.advice
    assert f"{shown_file(__file__)}:" in caught.value.advice


class Nameless(nn.Module):
    """A size that no variable holds, one way of two that are no expressions of their own."""

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return x if x is n or 3 < torch.nonzero(x).size(0) < 5 else x * 2


def test_what_has_no_name_is_said_to_have_none() -> None:
    with pytest.raises(UndecidedError) as caught:
        export(Nameless(), (rows(4), scalar(1)))

    assert "no variable holds it" in caught.value.advice


TESTS = {
    "if not": "if not torch.all(x > 0):\n    x = x.sigmoid()\nreturn x",
    "elif": "if x is n:\n    return n\nelif torch.any(x > 0):\n    x = x * 2\nreturn x",
    "number": "if x.sum():\n    x = x * 2\nreturn x",
    "difference": "if x.sum() - 1:\n    x = x * 2\nreturn x",
    "comparison": "return x if x.sum() > 3 else x * 2",
    "bool": "flag = bool(x.isnan().any())\nreturn x if flag else x * 2",
    "size": "return x if torch.nonzero(x).size(0) > 3 else x * 2",
    "item": "if (x > 0).sum().item() <= 3:\n    x = x * 2\nreturn x",
    "many lines": "return torch.stack(\n    [\n        x,\n        x * 2 if x.sum() > 3 else x,\n    ]\n)",
    "in a comprehension": "return sum([x.sum() for _ in range(2) if (x > 0).sum().item() > 1])",
}  # fmt: skip
"""Conditions whose value no variable holds."""


def told(
    module: nn.Module, inputs: Inputs, strict: bool = False, decide: bool | str = True
) -> str:
    """The whole message, in which our part stands once."""
    with pytest.raises((UserError, GuardOnDataDependentSymNode)) as caught:
        export(module, inputs, strict, decide)
    text = str(caught.value)
    assert text.count("Shapeproof:") == 1
    return text[text.index("Shapeproof:") :]


def number_of(text: str) -> int:
    found = re.search(r"pasted_\d+\.py:(\d+)", text)
    assert found is not None
    return int(found[1])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")
@pytest.mark.parametrize("body", TESTS.values(), ids=list(TESTS))
def test_what_is_tested_gets_a_name(body: str, write: Write, tmp_path: Path) -> None:
    inputs = (rows(4), scalar(1))
    text = told(write(body), inputs)
    tested = re.search(r"the truth of `(.*)`\.", text)
    assigned = re.search(r"^    condition = (.*)$", text, re.MULTILINE)
    assert tested is not None
    assert assigned is not None
    assert not re.search(r"\bu\d+\b", text)

    at = number_of(text) - 5  # (the body's first line is the fifth)
    body_lines = body.splitlines()
    for line in LINE.findall(text):
        # (in the source it may be written with other spaces)
        replaced = body.replace(tested[1], "condition").splitlines()
        assert replaced != body_lines
        indent = replaced[at][: len(replaced[at]) - len(replaced[at].lstrip())]
        before = [f"{indent}condition = {assigned[1]}", f"{indent}{line}"]
        export(write("\n".join([*replaced[:at], *before, *replaced[at:]])), inputs)


SECOND = {
    "read with another variable":
        ("flag = x.sum()\nreturn torch.where(x > 0, x, x * 2 if flag else x)", "flag"),
    "a truth that stays": (
        "kept = (x > 0).any() and x.sum()\nreturn torch.stack([x]) if kept is None else x",
        "(x > 0).any()",
    ),
}  # fmt: skip
"""Values that are not all that an instruction reads, or that stay behind the test."""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")
@pytest.mark.parametrize(("body", "tested"), SECOND.values(), ids=list(SECOND))
def test_what_is_tested_is_found_among_others(body: str, tested: str, write: Write) -> None:
    text = told(write(body), (rows(4), scalar(1)))

    assert f"don't decide the truth of `{tested}`." in text


FORCED = {
    "int": ("return x * int(x.sum())", "x.sum().long().item()"),
    "int of integers": ("return x * int((x > 0).sum())", "(x > 0).sum().item()"),
    "int of a sum": ("return x * int(n + n)", "(n + n).item()"),
    "int of a number": ("k = n.item()\nreturn x * int(k + 1)", "torch.sym_int(k + 1)"),
    "float": ("return x * float(x.sum())", "x.sum().item()"),
    "float of integers": ("return x * float(n)", "n.double().item()"),
    "len": ("y = x[x[:, 0] > 0]\nreturn x * len(y)", "y.shape[0]"),
    "len of what has no name": ("return x * len(x[x[:, 0] > 0])", "x[x[:, 0] > 0].shape[0]"),
}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")
@pytest.mark.parametrize(("body", "instead"), FORCED.values(), ids=list(FORCED))
def test_what_forces_a_value_is_named_with_what_does_not(
    body: str, instead: str, write: Write
) -> None:
    text = told(write(body), (rows(4), scalar(1)), decide="prove")

    assert f"`{instead}`" in text
    forcing = re.match(r"Shapeproof: `(.*?)` at ", text)
    assert forcing is not None
    export(write(body.replace(forcing[1], instead)), (rows(4), scalar(1)), decide="prove")


LOOPS = {
    "rows": "y = x[x[:, 0] > 0]\n#\nfor row in y:\n    x = x + row\nreturn x",
    "range": "k = n.item()\n#\nfor _ in range(k):\n    x = x * 2\nreturn x",
    "range of len": "y = x[x[:, 0] > 0]\n#\nfor i in range(len(y)):\n    x = x + y[i]\nreturn x",
    "list": "y = x[x[:, 0] > 0]\n#\nreturn sum(list(y))",
    "comprehension": "y = x[x[:, 0] > 0]\n#\nreturn sum([row.sum() for row in y])",
    "enumerate": "y = x[x[:, 0] > 0]\n#\nfor i, row in enumerate(y):\n    x = x + row\nreturn x",
    "unbind": "y = x[x[:, 0] > 0]\n#\nreturn sum(y.unbind(0))",
    "split": "y = x[x[:, 0] > 0]\n#\nreturn sum([p.sum() for p in y.split(2)])",
    "while": "k = n.item()\n#\ni = 0\nwhile i < k:\n    i += 1\n    x = x * 2\nreturn x",
    "index": "k = n.item()\n#\nreturn x * [1, 2, 3][k]",
}  # fmt: skip
"""What needs a run-time number itself, whatever its range."""


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("body", LOOPS.values(), ids=list(LOOPS))
def test_only_the_number_settles_a_loop(body: str, strict: bool, write: Write) -> None:
    if sys.version_info < (3, 11) and "while" in body:
        pytest.skip("positions of instructions")
    inputs = (rows(4), scalar(2))
    with pytest.raises((UserError, GuardOnDataDependentSymNode)):
        export(write(body), inputs, strict)
    lines = LINE.findall(told(write(body), inputs, strict))

    assert lines
    for line in lines:
        assert re.fullmatch(r"torch\._check\([a-z.\[\]0]+ == 2\)", line)
        export(write(body, line), inputs, strict)


INLINE = {
    "list": "sum([x.sum() for _ in range(2) if y.shape[0] > 1])",
    "generator": "sum(x.sum() for _ in range(2) if y.shape[0] > 1)",
    "dict": "sum({i: x.sum() for i in range(2) if y.shape[0] > 1}.values())",
    "lambda": "(lambda: x if y.shape[0] > 1 else x * 2)()",
    "nested": "sum([sum([x.sum() for _ in range(2) if y.shape[0] > 1]) for _ in range(2)])",
}


@pytest.mark.parametrize("expression", INLINE.values(), ids=list(INLINE))
def test_lines_are_for_where_a_statement_can_stand(expression: str, write: Write) -> None:
    body = f"y = x[x[:, 0] > 0]\n#\nreturn {expression}"
    text = told(write(body), (rows(4), scalar(1)))

    assert " in forward settles it" in text
    for line in LINE.findall(text):
        export(write(body, line), (rows(4), scalar(1)))


def test_lines_stand_before_whole_statements(write: Write) -> None:
    chain = "y = x[x[:, 0] > 0]\nif x is n:\n    return n\nelif y.shape[0] > 3:\n    return x\nreturn y"
    brackets = "y = x[x[:, 0] > 0]\nreturn torch.stack(\n    [\n        x if y.shape[0] > 3 else n\n    ]\n)"  # fmt: skip

    for body in (chain, brackets):
        assert number_of(told(write(body), (rows(4), scalar(1)))) == 6


@pytest.mark.parametrize("strict", [False, True])
def test_the_advice_stands_once(strict: bool, write: Write) -> None:
    told(write(CASES["branch"].body), CASES["branch"].inputs, strict)


def test_without_a_second_opinion_the_error_is_torchs_alone() -> None:
    with pytest.raises(GuardOnDataDependentSymNode) as caught, installed():
        torch.export.export(Helped(), (rows(4), scalar(1)), dynamic_shapes=None)

    assert not isinstance(caught.value, UndecidedError)


def test_the_error_names_the_users_line_and_none_of_ours(write: Write) -> None:
    case = CASES["branch"]
    with pytest.raises(UndecidedError) as caught:
        export(write(case.body, "pass"), case.inputs)

    assert "asserts/dialects" not in str(caught.value)


X, Y = symbol("x", "int"), symbol("y", "int")
SPELLED = [
    make("Or", make("Le", X, 3), make("Lt", Y, X)),
    make("And", make("Le", X, 3), make("Ne", make("Mod", Y, 3), 0)),
    make("Le", make("Min", X, Y, 2), make("Max", X, 1)),
    make("Eq", make("CeilDiv", X, 3), 1),
    make("Eq", make("CleanDiv", make("Mul", X, 2), 2), Y),
    make("Le", make("Where", make("Le", X, Y), X, 4), 3),
    make("Eq", make("Abs", X), 3),
    make("Le", make("IntTrueDiv", X, 4), 0.5),
]


@pytest.mark.parametrize("claim", SPELLED, ids=str)
def test_the_text_means_what_the_condition_means(claim: Any) -> None:
    names = {"x": "left", "y": "right.shape[0]"}
    text = torch_text(claim, names)
    code = compile(text.replace("right.shape[0]", "right"), "suggested", "eval")
    for a in range(-5, 6):
        for b in range(-3, 4):
            found = eval(code, {"torch": torch, "left": a, "right": b})
            assert found == evaluate(claim, {X: a, Y: b}), (text, a, b)


class Unrolled(nn.Module):
    """A loop as often as a number says that its checks leave one value."""

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        k = n.item()
        torch._check(k >= 0)
        torch._check(k <= 5)
        torch._check(k % 4 == 3)
        for _ in range(k):
            x = x * 2
        return x


def test_a_number_that_can_have_one_value_only_has_it() -> None:
    inputs = (rows(4), scalar(3))
    with pytest.raises(GuardOnDataDependentSymNode), installed():
        torch.export.export(Unrolled(), inputs, dynamic_shapes=({0: DYNAMIC}, None))

    run = export(Unrolled(), inputs).module()

    torch.testing.assert_close(run(*inputs), rows(4) * 8)
    for other in (-1, 2, 4, 7):
        with pytest.raises(RuntimeError):
            run(rows(4), scalar(other))
