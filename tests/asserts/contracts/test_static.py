"""`shapeproof check`: what is said of a function without a call is what its calls do."""

import contextlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from jaxtyping import Float64, Int
from jsonschema import Draft7Validator

from asserts import ContractError, RuntimeAssertionError, TraceError, check, contract
from asserts.cli import main
from asserts.contracts.sarif import document
from asserts.contracts.static import Traced, check_file, check_module

ROOT = Path(__file__).parents[3]

LAYERS = '''\
import numpy as np
from jaxtyping import Float
from asserts import check, contract
from helper import half


@contract(where="k >= 1")
def dense(
    x: Float[np.ndarray, "*batch n"], w: Float[np.ndarray, "n m"], k: int
) -> Float[np.ndarray, "*batch m"]:
    check(k >= 0)
    check(k <= 5, "small k")
    return x @ w


@contract
def add(a: Float[np.ndarray, "#n m"], b: Float[np.ndarray, "#n m"]) -> Float[np.ndarray, "n m"]:
    return a + b


@contract
def transposed(a: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "m n"]:
    return a * 2


@contract
def certainly(a: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n+1"]:
    return a.sum(axis=1)


class Block:
    @contract
    def halved(self, a: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n//2"]:
        return half(a)


@contract
def too_much(a: Float[np.ndarray, "n"]):
    return np.linalg.eig(a)
'''

HELPER = '''\
import numpy as np
from jaxtyping import Float
from asserts import contract


@contract
def half(a: Float[np.ndarray, "2*n"]) -> Float[np.ndarray, "n"]:
    return a[: len(a) // 2]


half(np.ones(4))
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "layers.py").write_text(LAYERS)
    (tmp_path / "helper.py").write_text(HELPER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_name(found: list[Traced]) -> dict[str, Traced]:
    return {one.name: one for one in found}


def test_a_module(folder: Path) -> None:
    found = by_name(check_file("layers.py"))
    outcomes = {name: one.outcome for name, one in found.items()}
    assert outcomes == {
        "dense": "asserted", "add": "proved", "transposed": "asserted", "certainly": "wrong",
        "Block.halved": "asserted", "too_much": "unknown",
    }  # fmt: skip
    assert list(found) == list(outcomes)  # in the order of lines
    shown = [(f.line, f.outcome, f.condition) for f in found["dense"].findings]
    assert shown[-2:] == [(11, "proved", "k >= 0"), (12, "asserted", "k <= 5")]
    assert (8, "proved", "result.shape[1] == m") in shown
    assert found["dense"].findings[-1].why == "fails for k = 6 (with 1 axis for batch)"
    assert found["dense"].traces == 3
    assert found["transposed"].findings[0].why.startswith("fails for ")
    assert found["certainly"].findings[0].line == 27
    assert [f.line for f in found["Block.halved"].findings] == [33, 34, 34]
    assert "eig" in found["too_much"].findings[0].condition


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "layers.py"]) == 1
    shown = capsys.readouterr().out
    assert "dense (layers.py:8): 1 will be asserted, 6 proved" in shown
    assert "    layers.py:12: will be asserted: k <= 5\n        small k\n" in shown
    assert "certainly wrong" in shown
    assert main(["check", "helper.py"]) == 0
    assert "half (helper.py:7): 1 proved" in capsys.readouterr().out


def test_exit_codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "unknown.py").write_text(
        "import numpy as np\nfrom typing import Annotated\nfrom asserts import contract\n"
        "@contract\ndef f(x: Annotated[np.ndarray, 'f4[n]'], how): return x\n"
    )
    (folder / "none.py").write_text("def f(x): return x\n")
    assert main(["check", "unknown.py"]) == 3
    assert "nothing is known of the parameter `how`" in capsys.readouterr().out
    assert main(["check", "helper.py", "unknown.py"]) == 3
    for bad in ("none.py", "missing.py"):
        assert main(["check", bad]) == 2
    assert "no function with a contract" in capsys.readouterr().err
    (folder / "broken.py").write_text(
        "import numpy as np\nfrom typing import Annotated\nfrom asserts import contract\n"
        "@contract\ndef f(x: Annotated[np.ndarray, 'f4[n//2]']): return x\n"
    )
    assert main(["check", "broken.py"]) == 2
    assert "do not determine `n`" in capsys.readouterr().err


SARIF = {
    "type": "object",
    "required": ["version", "$schema", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {"driver": {"required": ["name", "rules"]}},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "required": ["ruleId", "level", "kind", "message", "locations"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "kind": {"enum": ["pass", "fail"]},
                                "message": {"required": ["text"]},
                            },
                            # "If kind has any value other than fail, level shall be none."
                            "if": {"properties": {"kind": {"const": "pass"}}},
                            "then": {"properties": {"level": {"const": "none"}}},
                        },
                    },
                },
            },
        },
    },
}
"""What the format demands of the parts that are written (SARIF 2.1.0, sections 3.13 to 3.27)."""


def test_sarif(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "layers.py", "--sarif", "out.sarif", "--quiet"]) == 1
    found = json.loads((folder / "out.sarif").read_text())
    Draft7Validator(SARIF).validate(found)
    assert found == document(check_file("layers.py"))
    run = found["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in run["results"]} <= rules
    (error,) = [one for one in run["results"] if one["level"] == "error"]
    place = error["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "layers.py"}, "region": {"startLine": 27}}
    assert not list(folder.glob(".out.sarif*"))


def test_the_hook_of_pre_commit(folder: Path) -> None:
    (folder / "plain.py").write_text("raise ValueError('this is not to be imported')\n")
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "shapeproof-check"
    command = [sys.executable, "-m", *hook["entry"].split(), "helper.py", "plain.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder,
                          env={"PYTHONPATH": str(ROOT), "PATH": ""})  # fmt: skip
    assert done.returncode == 0, done.stderr


# --------------------------------------------------------------------------- by meaning


@contract(where="k >= 1")
def taken(x: Float64[np.ndarray, "*b n"], i: Int[np.ndarray, "m"], k: int) -> Float64[np.ndarray, "*b kept"]:
    check(k > 0)
    return x[..., :k]


@contract
def joined(x: Float64[np.ndarray, "n m"], y: Float64[np.ndarray, "k m"]) -> Float64[np.ndarray, "n+k m"]:
    return np.concatenate([x, y])


@contract
def flat(x: Float64[np.ndarray, "n m"]) -> Float64[np.ndarray, "n*m"]:
    return x.reshape(-1)


@contract
def spread(x: Float64[np.ndarray, "#n"], y: Float64[np.ndarray, "#n"]) -> Float64[np.ndarray, "n"]:
    return x + y


@contract
def first_only(x: Float64[np.ndarray, "#n"], y: Float64[np.ndarray, "#n"]) -> Float64[np.ndarray, "n"]:
    return x + 1.0


@contract
def maybe(x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "m"] | None = None) -> Float64[np.ndarray, "n"]:
    return x if y is None else x + y[: len(x)]


@contract
def shifted(x: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    return x[1:]


@contract
def never(x: Float64[np.ndarray, "n m"]) -> Float64[np.ndarray, "m+1"]:
    return x.sum(axis=0)


@contract
def padded(x: Float64[np.ndarray, "2*n"]) -> Float64[np.ndarray, "n+1"]:
    return np.append(x[::2], 1.0)


@contract
def last_axis(x: Float64[np.ndarray, "*b n"]) -> Float64[np.ndarray, "*b"]:
    return x.sum(axis=-1)


@contract
def second_axis(x: Float64[np.ndarray, "*b n"]) -> Float64[np.ndarray, "n"]:
    return x.sum(axis=0) if x.ndim == 2 else x.reshape(-1)


@contract
def clashing(x: Float64[np.ndarray, "_ n"], y: Float64[np.ndarray, "x_0 *b"], z: Float64[np.ndarray, "b_0 n"]) -> Float64[np.ndarray, "x_0 n"]:
    return x + 0.0


@contract
def clashing_rest(y: Float64[np.ndarray, "*b"], z: Float64[np.ndarray, "b_0"]) -> Float64[np.ndarray, "b_0"]:
    return z if y.ndim != 1 else y + 0.0


SHOULD: dict[Any, str] = {
    taken: "proved", joined: "proved", flat: "proved", spread: "proved",
    first_only: "asserted", maybe: "asserted", shifted: "asserted", never: "wrong",
    padded: "proved", last_axis: "wrong", second_axis: "asserted",
    clashing: "asserted", clashing_rest: "asserted",
}  # fmt: skip


def _traced(function: Any) -> Traced:
    found = by_name(check_module(sys.modules[__name__]))
    return found[function.__name__]


@pytest.mark.parametrize("function", SHOULD, ids=lambda function: function.__name__)
def test_what_is_said_is_what_calls_do(function: Any) -> None:
    """If all is proved, no call fails; if something certainly fails, all calls do (of that case,
    if there are several: of `last_axis`, those without further axes, for a sum is no array
    then); if something is asserted, some calls fail."""
    found = _traced(function)
    assert found.outcome == SHOULD[function], found.findings
    passed = failed = 0

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(function.contract.inputs())
    def run(arguments: dict[str, Any]) -> None:
        nonlocal passed, failed
        with contextlib.suppress(ContractError, RuntimeAssertionError, ValueError):
            function(**arguments)
            passed += 1
            return
        failed += 1

    run()
    if found.outcome == "proved":
        assert not failed
    elif found.outcome == "wrong":
        assert failed
        assert function is last_axis or not passed
    else:
        assert failed


def test_files_without_contracts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "none.py").write_text(textwrap.dedent("x = 1"))
    with pytest.raises(TraceError, match="no function with a contract"):
        check_file(str(tmp_path / "none.py"))
    assert check_file(str(tmp_path / "none.py"), if_any=True) == []
