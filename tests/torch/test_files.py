"""Programs in files: what the command does with them, and with files that are none."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import asserts
from asserts.cli import main
from asserts.dialects.torch.export import files
from asserts.dialects.torch.export.files import load
from asserts.errors import GraphError, UnsafeError
from asserts.files import load_program, save_program, write_whole
from tests.service.test_programs import hostile_programs, torch_program
from tests.torch.programs import DYNAMIC, PROGRAMS, Program, rows, scalar
from tests.torch.torch_help import (
    accepts,
    asserts_of,
    decomposed,
    disagreements,
    exported,
    reloaded,
)


def named(name: str) -> Program:
    return next(p for p in PROGRAMS if p.name == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one program as torch exports it, and the same with our passes."""
    made = tmp_path_factory.mktemp("programs")
    torch.export.save(exported(named("ManyBounds"), ours=False), made / "theirs.pt2")
    torch.export.save(exported(named("ManyBounds")), made / "ours.pt2")
    return made


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# --------------------------------------------------------------------------- the verbs


def test_report(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    status, out, err = shown(capsys, "report", folder / "theirs.pt2")

    assert (status, err) == (0, "")
    assert "runtime asserts: 4 proved, 4 kept" in out
    proved = next(line for line in out.splitlines() if line.startswith("a <= x.shape[0]"))
    assert "by linear arithmetic from a <= b; b <= c; c <= x.shape[0]" in proved
    assert "2 nodes" in proved
    assert re.search(r" \w+\.py:\d+$", proved)


def test_minimise_then_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fewer = folder / "fewer.pt2"

    assert shown(capsys, "minimise", folder / "theirs.pt2", "-o", fewer)[0] == 0
    assert len(asserts_of(load(fewer))) == 4
    status, out, _ = shown(capsys, "verify", folder / "theirs.pt2", fewer, "--trials", 10)
    assert status == 0
    assert "no difference" in out
    assert "all 8 checks were exercised" in out


def test_remove_then_verify_and_insert(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare, again = folder / "bare.pt2", folder / "again.pt2"

    status, out, _ = shown(capsys, "remove", folder / "ours.pt2", "-o", bare)
    assert status == 0
    assert "4 removed" in out
    assert asserts_of(load(bare)) == []
    status, out, _ = shown(capsys, "verify", folder / "ours.pt2", bare)
    assert status == 1
    assert "they differ on these inputs (" in out
    assert "not hold)" in out
    assert "x = float32[" in out
    assert f"{bare} accepts them" in out

    status, out, _ = shown(capsys, "insert", bare, "-o", again)
    assert status == 0
    assert "3 inserted" in out  # the declared ranges are in the file, the rest is not
    assert [row.condition for row in asserts.report(load(again))] == [
        "a >= 0",
        "b >= 0",
        "c >= 0",
    ]


def test_inserting_twice_is_inserting_once(folder: Path) -> None:
    for name in ("theirs.pt2", "ours.pt2"):
        program = load(folder / name)
        result = asserts.insert(program)
        assert not result.modified
        assert result.program is program


def test_without_an_output_the_graph_is_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = shown(capsys, "remove", folder / "ours.pt2")

    assert status == 0
    assert "torch.ops.aten.narrow.default" in out


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_what_is_saved_again_does_what_eager_does(program: Program, tmp_path: Path) -> None:
    """A program exported with our passes, saved, loaded and minimised twice over."""
    path = str(tmp_path / "program.pt2")
    try:
        made = exported(program)
    except RuntimeError:
        return  # some need the second opinion; `test_export` has them
    before = disagreements(program, made)
    for _ in range(2):
        save_program(asserts.minimise(made).program, path)
        made = load_program(path)
        assert disagreements(program, made) == before


def test_a_report_says_what_minimising_does(folder: Path) -> None:
    program = load(folder / "theirs.pt2")
    report = asserts.report(program)
    minimised = asserts.minimise(program)

    assert [r.outcome for r in report] == [r.outcome for r in minimised.report]
    kept = sum(row.nodes for row in report.with_outcome("kept"))
    assert kept >= 2 * len(report.with_outcome("kept"))
    assert "<table>" in report._repr_html_()


class Nested(nn.Module):
    """Inputs in a dict, a parameter, and a value that gets no variable."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(rows(6))

    def forward(self, batch: dict[str, Tensor], *, scale: Tensor) -> Tensor:
        torch._check(scale.int().item() <= batch["ids"].shape[0], lambda: "too much")
        return self.table[batch["ids"]] * scale


def test_names_of_nested_inputs() -> None:
    ids = torch.tensor([1, 2, 3])
    shapes = {"batch": {"ids": {0: DYNAMIC}}, "scale": None}
    made = torch.export.export(
        Nested(), ({"ids": ids},), {"scale": scalar(2)}, dynamic_shapes=shapes
    )
    conditions = [row.condition for row in asserts.report(reloaded(made))]

    assert any("batch['ids'].shape[0]" in text for text in conditions)
    assert any("scale" in text and ".item()" in text for text in conditions)


class Twice(nn.Module):
    """Two values that one variable holds, one after the other."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        for i in range(2):
            k = n[i].item()
            torch._check(k <= x.shape[0])
        return x


def test_a_name_means_one_value() -> None:
    made = exported(
        Program(Twice, (rows(5), torch.tensor([1, 2])), ({0: DYNAMIC}, None)), ours=False
    )
    conditions = [row.condition for row in asserts.report(made)]

    assert "n[0].item() <= x.shape[0]" in conditions
    assert "n[1].item() <= x.shape[0]" in conditions


class Sized(nn.Module):
    """A check that torch makes through wrappers of other libraries."""

    @contextlib.contextmanager
    def checked(self, k: int, x: Tensor) -> Iterator[None]:
        torch._check(k <= x.shape[0])
        yield

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check_is_size(k)
        with self.checked(k, x):
            return x[:k] * 2


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("ours", [False, True])
def test_lines_are_the_users_not_those_of_wrappers(ours: bool) -> None:
    made = exported(Program(Sized, (rows(5), scalar(2)), ({0: DYNAMIC}, None)), ours=ours)
    for one in (made, reloaded(made)):
        lines = [row.line for row in asserts.report(one)]
        assert lines
        assert all(re.fullmatch(r"test_files\.py:\d+", line) for line in lines), lines


# --------------------------------------------------------------------------- soundness


class Equal(nn.Module):
    """Three equalities that torch's files know as facts."""

    def forward(self, x: Tensor, n: Tensor, mask: Tensor) -> Tensor:
        k, m = n.tolist()
        torch._check(k == x.shape[0], lambda: "as many as there are")
        torch._check(m == 3, lambda: "three")
        chosen = x[mask]
        torch._check(chosen.shape[0] == x.shape[0], lambda: "all are chosen")
        return chosen * 2 + k


@pytest.mark.parametrize("ours", [False, True])
def test_what_a_file_states_because_of_a_check_does_not_prove_the_check(ours: bool) -> None:
    some = torch.tensor([True, False, True])
    program = Program(
        Equal,
        (rows(3), torch.tensor([3, 3]), some | True),
        ({0: DYNAMIC}, None, {0: DYNAMIC}),
        (),
        (
            (rows(3), torch.tensor([2, 3]), some | True),
            (rows(3), torch.tensor([3, 4]), some | True),
            (rows(3), torch.tensor([3, 3]), some),
        ),
    )
    made = reloaded(exported(program, ours=ours))

    assert disagreements(program, made) == []
    assert disagreements(program, asserts.minimise(made).program) == []
    assert disagreements(program, asserts.insert(made).program) == []


# --------------------------------------------------------------------------- functions


def of_number(condition: Callable[[object], object]) -> type[nn.Module]:
    class Checked(nn.Module):
        def forward(self, n: Tensor) -> Tensor:
            k = n.item()
            torch._check(k >= 0)
            torch._check(condition(k), lambda: "the condition")
            return n + 1

    return Checked


@pytest.mark.parametrize(
    "condition",
    [
        lambda k: round(k / 4) <= 2,
        lambda k: round(k / 2) != 2,
        lambda k: torch.sym_sqrt(k) <= 4.0,
        lambda k: (k & 3) == 0,
        lambda k: (k | 5) <= 21,
        lambda k: (k ^ 3) <= 9,
        lambda k: torch.sym_sqrt(k + 0.5) * 2.0 <= 7.25,
    ],
    ids=["round", "half-even", "sqrt", "and", "or", "xor", "sqrt-of-float"],
)
def test_functions_that_torchs_files_do_not_know(
    condition: Callable[[object], object],
) -> None:
    """Conditions that torch's own files cannot hold, or cannot be loaded with."""
    program = Program(of_number(condition), (scalar(8),), (None,))
    numbers = [scalar(n) for n in range(-2, 40)]
    eager = [accepts(program.make(), (n,)) for n in numbers]
    assert True in eager
    assert False in eager[2:]

    made = exported(program)
    loaded = reloaded(made)
    for one in (made, loaded, asserts.minimise(loaded).program, decomposed(loaded),
                reloaded(decomposed(loaded))):  # fmt: skip
        run = one.module()
        assert [accepts(run, (n,)) for n in numbers] == eager


def test_asserts_as_tensors_are_read_and_removed() -> None:
    program = Program(of_number(lambda k: torch.sym_sqrt(k) <= 4.0), (scalar(8),), (None,))
    made = reloaded(exported(program))

    assert "sqrt(ToFloat(k)) <= 4.0" in [row.condition for row in asserts.report(made)]
    bare = asserts.remove(made).program
    assert len(list(bare.graph.nodes)) < len(list(made.graph.nodes)) - 2
    assert accepts(bare.module(), (scalar(30),))


# --------------------------------------------------------------------------- bad input


class Custom:
    """What leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> object:
        return (os.mkdir, (str(self.trace),))


def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    status, out, err = shown(capsys, "report", path)
    assert status == 2
    assert out == ""
    assert str(path) in err
    assert "Traceback" not in err
    return err


def test_a_file_that_is_cut_off(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (folder / "ours.pt2").read_bytes()
    path = tmp_path / "cut.pt2"
    for length in (0, 10, len(content) // 2, len(content) - 30):
        path.write_bytes(content[:length])
        assert "damaged" in refused(path, capsys)


def test_a_file_with_other_bytes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray((folder / "ours.pt2").read_bytes())
    at = content.find(b"range_constraints")
    content[at : at + 5] = b"RANGE"
    path = tmp_path / "flipped.pt2"
    path.write_bytes(bytes(content))

    assert "model.json" in refused(path, capsys)


def test_an_archive_without_a_program(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def without(name: str, content: bytes) -> bytes | None:
        return None if "/models/" in name else content

    path = changed(folder / "ours.pt2", tmp_path / "empty.pt2", without)
    assert "no exported program" in refused(path, capsys)


def test_text_in_place_of_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.pt2"
    path.write_text("a program")
    assert "not an archive" in refused(path, capsys)


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file" in refused(tmp_path / "none.pt2", capsys)


def test_a_file_of_another_torch(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = torch.__version__.encode()

    def older(name: str, content: bytes) -> bytes:
        return content.replace(here, b"1.99.0").replace(b'"major": 8', b'"major": 5')

    path = changed(folder / "ours.pt2", tmp_path / "older.pt2", older)
    message = refused(path, capsys)
    assert "saved by torch 1.99.0" in message
    assert "with torch 2.13" in message


def test_objects_are_not_unpickled(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "trace"

    def with_code(name: str, content: bytes) -> bytes:
        if "sample_inputs" not in name:
            return content
        buffer = io.BytesIO()
        torch.save(Custom(trace), buffer)
        return buffer.getvalue()

    path = changed(folder / "ours.pt2", tmp_path / "code.pt2", with_code)
    assert "objects that are no data" in refused(path, capsys)
    assert not trace.exists()

    path = changed(folder / "ours.pt2", tmp_path / "object.pt2", lambda _, content: content)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ours/data/constants/opaque_obj_0", b"")
    assert "objects that are no data" in refused(path, capsys)


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("OPAQUE_obj_0", "opaque_obj_0"),  # (torch finds entries whatever their case)
        ("opaque_obj_0/../tensor_0", "opaque_obj_0/../tensor_0"),
    ],
)
def test_objects_are_not_unpickled_under_other_names(
    entry: str, named: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "trace"
    payload = {"path_name": named, "is_param": False, "use_pickle": True, "tensor_meta": None}

    def with_object(name: str, content: bytes) -> bytes:
        is_config = name.endswith("_constants_config.json")
        return json.dumps({"config": {"c": payload}}).encode() if is_config else content

    path = changed(folder / "ours.pt2", tmp_path / "object.pt2", with_object)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"ours/data/constants/{entry}", pickle.dumps(Custom(trace)))
    assert "objects that are no data" in refused(path, capsys)
    assert not trace.exists()


def test_loading_leaves_the_environment_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    load(folder / "ours.pt2")
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_another_torch_is_refused_by_name(folder: Path) -> None:
    code = (
        "import sys, torch; torch.__version__ = '2.12.1'\n"
        "from asserts.cli import main\n"
        f"sys.exit(main(['report', {str(folder / 'ours.pt2')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 2
    assert "torch 2.12.1 is installed" in done.stderr
    assert "torch==2.13.0" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_torch_at_all_is_said(folder: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from asserts.cli import main\n"
        f"sys.exit(main(['report', {str(folder / 'ours.pt2')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 2
    assert "shapeproof[torch]" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_assert_that_cannot_be_read_is_kept_and_said_so() -> None:
    made = exported(named("Narrowed"), ours=False)
    for node in made.graph.nodes:
        if node.op == "call_function":
            node.meta.pop("val", None)
            node.meta.pop("unbacked_bindings", None)
    report = asserts.report(made)

    assert [row.outcome for row in report] == ["kept", "kept"]
    assert all("no expression" in row.why for row in report)
    with pytest.raises(GraphError, match="not a program with asserts"):
        asserts.report(3)


# --------------------------------------------------------------------------- writing


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "program.pt2"
    path.write_text("before")

    def fails(file: object) -> None:
        file.write(b"half of it")  # type: ignore[attr-defined]
        raise GraphError("no more")

    with pytest.raises(GraphError):
        write_whole(str(path), fails)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_program_that_torch_cannot_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`round` among the sizes that a program computes with is beyond torch's files."""

    class Rounded(nn.Module):
        def forward(self, n: Tensor) -> Tensor:
            k = n.item()
            torch._check(k >= 0)
            torch._check(k <= 100)
            return torch.ones(round(k / 2))

    made: ExportedProgram = exported(Program(Rounded, (scalar(4),), (None,)))
    path = tmp_path / "program.pt2"
    with pytest.raises(GraphError, match="torch cannot save the program"):
        save_program(made, str(path))
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_saved(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "ours.pt2"
    program.write_bytes((folder / "ours.pt2").read_bytes())

    status, _, err = shown(capsys, "remove", program, "-o", tmp_path / "no" / "x.pt2")
    assert (status, "no/x.pt2: No such file" in err) == (2, True)
    status, _, err = shown(capsys, "remove", program, "-o", tmp_path)
    assert status == 2
    status, _, err = shown(capsys, "remove", program, "-o", tmp_path / "x.json")
    assert (status, "saved as a file .pt2" in err) == (2, True)
    assert list(tmp_path.iterdir()) == [program]
    os.chmod(program, 0o640)
    assert shown(capsys, "remove", program, "-o", program)[0] == 0  # over itself
    assert program.stat().st_mode & 0o777 == 0o640
    assert asserts_of(load(program)) == []


class OnSizes(nn.Module):
    """Checks of sizes of inputs alone: guards, or asserts if they are deferred."""

    def forward(self, batch: dict[str, Tensor], y: Tensor) -> Tensor:
        x = batch["x"]
        torch._check(x.shape[0] % 2 == 0)
        torch._check(x.shape[0] * 2 <= y.shape[0])
        return x + y.sum()


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("deferred", [False, True])
def test_checks_of_inputs_survive_in_files(ours: bool, deferred: bool) -> None:
    """Reading asserts, torch makes guards of them that nobody checks; building a program
    anew, it forgets those that are checked."""
    program = Program(
        OnSizes,
        ({"x": rows(4)}, rows(10)),
        ({"x": {0: DYNAMIC}}, {0: DYNAMIC}),
    )

    def rejected(made: ExportedProgram) -> list[bool]:
        run = made.module()
        found = []
        for n, m in ((4, 8), (2, 10), (5, 10), (6, 10)):
            try:
                run({"x": rows(n)}, rows(m))
            except (RuntimeError, AssertionError):
                found.append(True)
            else:
                found.append(False)
        return found

    made = exported(program, ours=ours, deferred=deferred)
    loaded = reloaded(made)
    for one in (made, loaded):
        assert rejected(one) == [False, False, True, True]
        for changed_one in (
            asserts.minimise(one).program,
            reloaded(asserts.minimise(one).program),
            asserts.insert(one).program,
        ):
            assert rejected(changed_one) == [False, False, True, True]
    if not deferred:  # what the guards say is used
        extra = asserts.insert(loaded)
        assert not extra.modified


def test_guards_of_a_file_prove_what_follows_from_them() -> None:
    class Halved(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Tensor:
            torch._check(x.shape[0] % 2 == 0)
            k = n.item()
            torch._check(k == x.shape[0] // 2)
            torch._check(2 * k == x.shape[0])
            return x * 2

    program = Program(Halved, (rows(4), scalar(2)), ({0: DYNAMIC}, None))
    loaded = reloaded(exported(program, ours=False))
    fewer = asserts.minimise(loaded).program

    assert loaded._guards_code == fewer._guards_code != []
    assert len(asserts_of(fewer)) <= len(asserts_of(loaded))
    assert not accepts(fewer.module(), (rows(5), scalar(2)))
    assert not accepts(fewer.module(), (rows(4), scalar(1)))
    assert accepts(fewer.module(), (rows(4), scalar(2)))


# --------------------------------------------------------------------------- what loading runs


def hostile_archives(made: Path) -> dict[str, bytes]:
    """Those that the service refuses."""
    found = hostile_programs(made).items()
    return {what: content for what, (name, content) in found if name.endswith(".pt2")}


def test_hostile_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command and the library as by the service: before torch sees them."""
    made = tmp_path / "made"
    path = tmp_path / "hostile.pt2"
    archives = hostile_archives(made)
    for what, content in archives.items():
        if what == "pt2: a bomb":
            continue
        path.write_bytes(content)
        with pytest.raises(GraphError) as error:
            load(path)
        assert str(path) in str(error.value), what
    path.write_bytes(archives["pt2: a call in an expression"])
    assert "is refused" in refused(path, capsys)
    assert not made.exists()


def test_operators_of_the_process_are_allowed(tmp_path: Path) -> None:
    """Whoever runs the process has registered them; a file that names another is refused."""
    path = tmp_path / "custom.pt2"
    with torch.library._scoped_library("shapeproof_files", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        library.impl("twice", torch.empty_like, "Meta")

        class Model(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.ops.shapeproof_files.twice(x)

        torch.export.save(torch.export.export(Model(), (torch.ones(3),)), path)
        assert load(path).module()(torch.ones(3)).tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(UnsafeError, match=r"shapeproof_files\.twice"):
        load(path)


def test_what_is_loaded_is_what_was_inspected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is changed meanwhile: the copy that torch reads is the inspected one."""
    seen: list[str] = []
    real = files.inspect

    def noted(path: str, kind: str, unpacked: int) -> None:
        seen.append(path)
        real(path, kind, unpacked)

    loaded: list[str] = []

    def load(path: str, **_: object) -> None:
        loaded.append(path)
        raise ValueError("no further")

    monkeypatch.setattr(files, "inspect", noted)
    monkeypatch.setattr(torch.export, "load", load)
    path = tmp_path / "program.pt2"
    path.write_bytes(torch_program())
    with pytest.raises(GraphError, match="no further"):
        files.load(str(path))
    assert seen == loaded
    assert seen != [str(path)]
