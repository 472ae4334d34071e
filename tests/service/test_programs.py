"""Programs and jobs: every verb on every kind, events, results by content, crashes, strangers'
files."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import asserts
from asserts.client import Client
from asserts.dialects.numpy.codec import save
from asserts.errors import GraphError
from asserts.inspection import inspect
from asserts.trace import Spec, trace
from asserts.work.problems import problem_of
from shapes.errors import ShapeproofError
from tests.service.serving import Server, running
from tests.waiting import until


def onnx_model(nodes: int = 1) -> bytes:
    """A model that adds two inputs of which an axis must be equal."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["m", 4])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["k", 4])
    made = [helper.make_node("Concat", ["x", "x"], ["t0"], axis=0)]
    made += [helper.make_node("Add", [f"t{i}", "y"], [f"t{i + 1}"]) for i in range(nodes)]
    made.append(helper.make_node("Identity", [f"t{nodes}"], ["z"]))
    graph = helper.make_graph(made, "g", [x, y], [z])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    content: bytes = model.SerializeToString()
    return content


def first_rows(x: Any, mask: Any) -> Any:
    rows = x[mask]
    asserts.check(rows.shape[0] >= 2, "two rows must be selected")
    asserts.check(rows.shape[0] >= 1)
    return rows[:2]


def graph_json() -> bytes:
    program = trace(first_rows, x=("n", 8), mask=Spec("n", dtype="bool"))
    return save(asserts.insert(program).program).encode()


def uploaded(server: Server, name: str, content: bytes) -> str:
    found = server.upload(name, content)
    assert found.status == 201, found
    digest: str = found.json["id"]
    return digest


def ended(server: Server, **asked: Any) -> Any:
    job = server.worked(**asked)
    assert job["state"] == "done", job
    return job


# --------------------------------------------------------------------------- verbs


def test_verbs_on_a_graph(server: Server) -> None:
    program = uploaded(server, "checked.json", graph_json())
    report = server.get(ended(server, verb="report", program=program)["report"]).json
    assert report["schema"] == 1
    outcomes = [check["outcome"] for check in report["report"]["checks"]]
    assert outcomes.count("present") + outcomes.count("inserted") >= 2
    plain = ended(server, verb="remove", program=program)
    content = server.get(plain["result"])
    assert content.headers["content-disposition"].endswith('"checked.remove.json"')
    other = uploaded(server, "plain.json", content.body)
    same = server.get(
        ended(server, verb="verify", program=program, other=program, trials=20)["report"]
    ).json
    assert same["equal"] is True
    assert same["programs"] == ["checked.json", "checked.json"]
    found = server.get(
        ended(server, verb="verify", program=program, other=other, trials=20)["report"]
    ).json
    assert found["equal"] is False
    assert found["differences"]
    for verb in ("insert", "minimise"):
        job = ended(server, verb=verb, program=other)
        assert server.get(job["report"]).json["report"]["counts"] is not None


def test_verbs_on_an_onnx_model(server: Server) -> None:
    program = uploaded(server, "model.onnx", onnx_model())
    contract = server.get(ended(server, verb="contract", program=program)["report"]).json
    assert sorted(contract["dimensions"]) == ["m", "n"]
    job = ended(server, verb="contract", program=program, sizes={"n": 2, "m": 3})
    checked = server.get(job["report"]).json
    assert checked["accepted"] is False
    sarif = server.get(job["report"] + "?format=sarif")
    assert sarif.headers["content-type"] == "application/sarif+json"
    (run,) = sarif.json["runs"]
    assert any(one["level"] == "error" for one in run["results"])
    result = server.get(ended(server, verb="insert", program=program)["result"]).body
    onnx.checker.check_model(onnx.load_model_from_string(result))
    assert ended(server, verb="report", program=program)["report"]


@pytest.mark.slow
def test_verbs_on_a_torch_program(server: Server) -> None:
    program = uploaded(server, "model.pt2", torch_program())
    job = ended(server, verb="report", program=program)
    checks = server.get(job["report"]).json["report"]["checks"]
    assert [check["outcome"] for check in checks] == ["kept", "kept"]
    assert all("y.item()" in check["condition"] for check in checks)
    sarif = server.get(job["report"] + "?format=sarif").json
    assert len(sarif["runs"][0]["results"]) == 2
    smaller = server.get(ended(server, verb="minimise", program=program)["result"]).body
    assert uploaded(server, "smaller.pt2", smaller)
    (refused,) = [server.worked(verb="contract", program=program)]
    assert refused["state"] == "failed"
    assert refused["problem"]["detail"] == "`contract` is for ONNX models"


def torch_program() -> bytes:
    """An exported program, made in a process of its own (tracing is per process)."""
    code = """
import io, sys, torch
from torch.export import Dim, export, save
class M(torch.nn.Module):
    def forward(self, x, y):
        u = y.item()
        torch._check(u >= 0)
        torch._check(u < x.shape[0])
        return x[:u].sum()
made = export(M(), (torch.randn(8, 4), torch.tensor(3)), dynamic_shapes=({0: Dim("b", min=2)}, None))
save(made, sys.argv[1])
"""
    global _TORCH
    if not os.environ.get("CI"):
        pytest.importorskip("torch")
    if not _TORCH:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.pt2"
            subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], check=True)
            _TORCH = path.read_bytes()
    return _TORCH


_TORCH = b""


def test_reports_as_pages(server: Server) -> None:
    """Of every verb; nothing of a stranger's program is markup."""
    program = uploaded(server, "checked.json", graph_json())
    named = onnx.load_model_from_string(onnx_model())
    named.graph.node[1].name = "<img src=x>"
    model = uploaded(server, "model.onnx", named.SerializeToString())
    asked: tuple[tuple[dict[str, Any], str], ...] = (
        ({"verb": "report", "program": program}, "rows.shape[0]"),
        ({"verb": "minimise", "program": program}, "outcome"),
        ({"verb": "verify", "program": program, "other": program, "trials": 5}, "equal"),
        ({"verb": "contract", "program": model}, "What sizes must be"),
        ({"verb": "contract", "program": model, "sizes": {"n": 2, "m": 3}}, "does not hold"),
    )
    for body, text in asked:
        page = server.get(ended(server, **body)["report"] + "?format=html")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f".{body['verb']}.html" in page.headers["content-disposition"]
        shown = page.body.decode()
        assert text in shown, body
        assert "<img" not in shown
        assert "<script" not in shown
    assert server.get(ended(server, **body)["report"] + "?format=exe").status == 422


def test_pages_of_programs_with_odd_texts(server: Server) -> None:
    """Names that are no Latin-1, and texts that are no UTF-8."""
    text = graph_json().decode()
    assert "rows[" in text
    odd = text.replace('"stack_trace": "', '"stack_trace": "\\ud800 ')
    assert odd != text
    for name, content in (("模型 é.onnx", onnx_model(37)), ("odd.json", odd.encode())):
        program = uploaded(server, quote(name), content)
        page = server.get(ended(server, verb="report", program=program)["report"] + "?format=html")
        assert page.status == 200
        head = page.headers["content-disposition"]
        assert unquote(head.partition("''")[2]) == f"{name.rpartition('.')[0]}.report.html"


def test_the_same_question_is_not_worked_twice(server: Server) -> None:
    program = uploaded(server, "twice.onnx", onnx_model(2))
    assert uploaded(server, "other-name.onnx", onnx_model(2)) == program
    first = ended(server, verb="contract", program=program)
    again = server.post("/v1/jobs", {"verb": "contract", "program": program})
    assert again.status == 200
    assert (again.json["id"], again.json["cached"]) == (first["id"], True)
    other = server.post("/v1/jobs", {"verb": "contract", "program": program, "sizes": {"n": 1}})
    assert other.json["id"] != first["id"]
    seeded = server.post("/v1/jobs", {"verb": "contract", "program": program, "seed": 3})
    assert seeded.json["id"] == first["id"]  # (the verb has no such option)


def test_events_and_the_client(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_model(3))
    with Client(server.url) as service:
        program = service.upload(path)
        job = service.begin("insert", program)
        stages = [event["stage"] for event in service.events(job)]
        assert stages[0] == "queued"
        assert stages[-1] == "done"
        assert [one["stage"] for one in service.events(job)] == ["queued", "done"]
        done = service.run("insert", program)
        assert done.id == job.id
        assert service.report(done)["verb"] == "insert"
        assert service.report(done, "sarif")["version"] == "2.1.0"
        assert onnx.load_model_from_string(service.result(done)).graph.node
        with pytest.raises(ShapeproofError, match="is failed: `contract` is for"):
            path = tmp_path / "graph.json"
            path.write_bytes(graph_json())
            service.run("contract", service.upload(path))


def test_requests_that_make_no_job(server: Server) -> None:
    program = uploaded(server, "model.onnx", onnx_model())
    for asked, status in (
        ({"verb": "report", "program": "0" * 64}, 404),
        ({"verb": "report", "program": "../../etc/passwd"}, 422),
        ({"verb": "verify", "program": program}, 422),
        ({"verb": "report", "program": program, "other": program}, 422),
        ({"verb": "explode", "program": program}, 422),
        ({"verb": "verify", "program": program, "other": program, "trials": 10**9}, 422),
    ):
        assert server.post("/v1/jobs", asked).status == status, asked
    for path in ("/v1/jobs/x", "/v1/jobs/x/events", "/v1/jobs/x/report", "/v1/programs/x"):
        assert server.get(path).status == 404


# --------------------------------------------------------------------------- strangers' files


@pytest.mark.parametrize(
    "name",
    ["../x.onnx", "a/b.onnx", "/etc/passwd", "x.exe", "x", "", ".onnx", "%00.onnx", "a\\b.onnx",
     "x" * 300 + ".onnx", "..%2f..%2fx.onnx"],
)  # fmt: skip
def test_names_of_programs(name: str, server: Server) -> None:
    assert server.upload(name, onnx_model()).status in (400, 422)


def archive(entries: dict[str, Any]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            file.writestr(name, text)
    return made.getvalue()


def changed_program(change: Any, entries: dict[str, Any] | None = None) -> bytes:
    """A good program, in which something of the model was changed."""
    with zipfile.ZipFile(io.BytesIO(torch_program())) as file:
        found: dict[str, Any] = {name: file.read(name) for name in file.namelist()}
    (name,) = [one for one in found if "/models/" in one]
    model = json.loads(found[name])
    change(model)
    return archive({**found, name: model, **(entries or {})})


def hostile_programs(made: Path) -> dict[str, tuple[str, bytes]]:
    """Files of strangers, by what is wrong; those that get to run a command make a file."""
    mark = f"touch {shlex.quote(str(made))}"

    def target(name: str) -> Any:
        def change(model: Any) -> None:
            model["graph_module"]["graph"]["nodes"][0]["target"] = name

        return change

    def expression(text: str) -> Any:
        def change(model: Any) -> None:
            values = model["graph_module"]["graph"]["tensor_values"]
            values["x"]["sizes"][0]["as_expr"]["expr_str"] = text

        return change

    def guard(model: Any) -> None:
        model["guards_code"] = [f"__import__('os').system({mark!r})"]

    def spec(model: Any) -> None:
        model["graph_module"]["module_call_graph"] = [
            {"signature": {"in_spec": json.dumps([1, {"__enum__": True, "fqn": "os.x"}])}}
        ]

    def escaped(word: str) -> Any:
        """A structure whose class is named with an escape, in JSON in a text of JSON."""
        hidden = json.dumps([{word: True, "fqn": "antigravity:x", "name": "y"}])
        hidden = hidden.replace(word, f"\\u{ord(word[0]):04x}{word[1:]}")

        def change(model: Any) -> None:
            spec = [1, {"type": "builtins.dict", "context": hidden, "children_spec": []}]
            (call, *_) = model["graph_module"]["module_call_graph"]
            call["signature"]["in_spec"] = json.dumps(spec)

        return change

    pt2 = {
        "a function of torch's modules": changed_program(target("torch.os.system")),
        "a function that reads files": changed_program(target("torch.ops.aten.from_file.default")),
        "a function that writes": changed_program(target("torch.ops.aten.save.default")),
        "attributes": changed_program(target("_operator.attrgetter")),
        "hub": changed_program(target("torch.hub.load")),
        "a call in an expression": changed_program(expression(f"__import__('os').system({mark!r})")),
        "an attribute in one": changed_program(expression("Symbol('s0').__class__")),
        "text in one": changed_program(expression("Add('open(1)', 2)")),
        "a name in one": changed_program(expression("Symbol(\"__import__('os')\")")),
        "a comprehension": changed_program(expression("[x for x in ()]")),
        "a guard": changed_program(guard),
        "a class": changed_program(spec),
        "a class with an escape": changed_program(escaped("__enum__")),
        "a factory with an escape": changed_program(escaped("default_factory_module")),
        "an object": changed_program(lambda _: None, {"m/data/constants/custom_obj_0": b"x"}),
        "an object in capitals": changed_program(
            lambda _: None, {"m/data/constants/OPAQUE_obj_0": b"x"}
        ),
        "an object behind a folder": changed_program(
            lambda _: None, {"m/data/constants/opaque_obj_0/../tensor_0": b"x"}
        ),
        "two models of one name": changed_program(
            lambda _: None, {"m/archive_Format": b"pt2"}
        ),
        "a library": changed_program(lambda _: None, {"m/data/aotinductor/model/x.so": b"x"}),
        "a folder above": changed_program(lambda _: None, {"m/data/weights/../../../x": b"x"}),
        "no archive": b"PK\x03\x04 nothing",
        "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "an empty archive": archive({}),
        "a bomb": archive({"m/models/m.json": {}, "m/data/weights/x": b"\0" * (65 << 20)}),
    }
    graph = json.loads(graph_json())
    jsons = {
        "a function that reads": json.dumps(graph).replace("operator.getitem", "numpy.load"),
        "a function that writes": json.dumps(graph).replace("operator.getitem", "numpy.save"),
        "one that calls others": json.dumps(graph).replace("operator.getitem", "numpy.frompyfunc"),
        "an unknown function": json.dumps(graph).replace("operator.getitem", "os.system"),
        "deep": "[" * 100_000,
        "deep objects": '{"a":' * 100_000,
        "a list": "[]",
        "no JSON": "x",
    }
    external = onnx.load_model_from_string(onnx_model())
    tensor = external.graph.initializer.add()
    tensor.name, tensor.data_type = "w", TensorProto.FLOAT
    tensor.dims.append(1)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    onnxes = {
        "files beside it": external.SerializeToString(),
        "no model": b"\x08\x07",
        "noise": np.random.default_rng(0).bytes(5000),
        "cut": onnx_model()[:-20],
        "empty": b"",
    }
    found = {f"pt2: {what}": ("bad.pt2", content) for what, content in pt2.items()}
    found |= {f"json: {what}": ("bad.json", text.encode()) for what, text in jsons.items()}
    return found | {f"onnx: {what}": ("bad.onnx", content) for what, content in onnxes.items()}


def test_good_programs_pass_inspection(tmp_path: Path) -> None:
    path = tmp_path / "good"
    for kind, content in (
        ("pt2", torch_program()), ("json", graph_json()), ("onnx", onnx_model()),
    ):  # fmt: skip
        path.write_bytes(content)
        inspect(str(path), kind, 64 << 20)


def test_hostile_programs_are_refused(tmp_path: Path) -> None:
    """By the inspection alone, before anything else reads them."""
    path = tmp_path / "bad"
    later = ("json: an unknown function",)
    for what, (name, content) in hostile_programs(tmp_path / "made").items():
        path.write_bytes(content)
        if what in later:  # (our own reader refuses it)
            continue
        with pytest.raises(GraphError) as error:
            inspect(str(path), name.rpartition(".")[2], 64 << 20)
        assert problem_of(error.value, program=True).kind in ("unsafe", "program"), what
        assert str(tmp_path) not in str(error.value), what


def test_hostile_programs_over_http(server: Server, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for what, (name, content) in hostile_programs(made).items():
        if what == "pt2: a bomb":
            continue
        found = server.upload(name, content)
        if found.status == 201:
            job = server.worked(verb="report", program=found.json["id"])
            assert job["state"] == "failed", what
            problem = job["problem"]
        else:
            assert 400 <= found.status < 500, (what, found)
            problem = found.json
        assert str(server.folder) not in json.dumps(problem), what
        assert "Traceback" not in json.dumps(problem), what
    assert not made.exists()
    assert server.get("/readyz").status == 200


def test_types_and_sizes_of_uploads(tmp_path: Path) -> None:
    with running(tmp_path / "data", limits={"program_size": 100_000}) as server:
        path = "/v1/programs?name=m.onnx"
        assert server.post(path, b"x" * 100_001).status == 413
        binary = {"Content-Type": "application/octet-stream"}
        assert server.post(path, b"x" * 100_001, headers=binary).status == 413
        assert server.post(path, onnx_model()).status == 415
        assert server.post("/v1/programs", onnx_model(), headers=binary).status == 422
        assert not list((server.folder / "meanwhile").iterdir())
        contents = [one for one in (server.folder / "contents").rglob("*") if one.is_file()]
        assert not contents


@pytest.mark.slow
def test_models_that_claim_to_be_large(server: Server) -> None:
    """A tensor of 10^12 elements that is not there, and one that the model would make."""
    for make in (_large_tensor, _large_constant):
        model = onnx.load_model_from_string(onnx_model())
        make(model.graph)
        program = uploaded(server, "large.onnx", model.SerializeToString())
        for asked in ({"verb": "report"}, {"verb": "contract"}, {"verb": "insert"}):
            job = server.worked(program=program, **asked)
            assert job["state"] in ("done", "failed")
        job = server.worked(verb="verify", program=program, other=program, trials=3)
        if job["state"] == "failed":
            assert job["problem"]["status"] == 422
    assert server.get("/readyz").status == 200


def _large_tensor(graph: Any) -> None:
    tensor = graph.initializer.add()
    tensor.name, tensor.data_type, tensor.raw_data = "w", TensorProto.FLOAT, b""
    tensor.dims.extend([10**6, 10**6])


def _large_constant(graph: Any) -> None:
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [2], [10**6, 10**6])
    graph.initializer.append(sizes)
    graph.node.append(helper.make_node("ConstantOfShape", ["sizes"], ["large"]))
    graph.node.append(helper.make_node("ReduceSum", ["large"], ["sum"]))
    graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 1]))


# --------------------------------------------------------------------------- crashes


@pytest.mark.slow
def test_jobs_survive_crashes_and_stops(tmp_path: Path) -> None:
    """A killed worker, a killed server, a server that is stopped: the job is done afterwards."""
    with running(tmp_path / "data", grace=0.2) as server:
        programs = [uploaded(server, f"m{n}.onnx", onnx_model(n)) for n in range(200, 206)]
        jobs = [server.post("/v1/jobs", {"verb": "insert", "program": p}).json for p in programs]
        time.sleep(0.3)
        os.kill(server.workers()[-1], signal.SIGKILL)
        server.kill()
        server.start()
        for job in jobs[:2]:
            assert server.finished(job["id"])["state"] == "done"
        assert server.stop() in (0, -signal.SIGTERM)
        server.start()
        for job in jobs:
            found = server.finished(job["id"])
            assert found["state"] == "done", found
            assert onnx.load_model_from_string(server.get(found["result"]).body).graph.node
        assert not list((server.folder / "meanwhile").iterdir())


@pytest.mark.slow
def test_jobs_wait_and_can_be_cancelled(tmp_path: Path) -> None:
    """Behind one that takes much longer than all of this."""
    with running(tmp_path / "data", limits={"job_seconds": 3600.0, "job_queue": 3}) as server:
        heavy = uploaded(server, "heavy.onnx", onnx_model(20_000))
        light = [uploaded(server, f"light{n}.onnx", onnx_model(n)) for n in (1, 2, 3)]
        slow = server.post("/v1/jobs", {"verb": "insert", "program": heavy}).json
        waiting = [server.post("/v1/jobs", {"verb": "report", "program": p}) for p in light]
        assert [one.status for one in waiting] == [202, 202, 429]
        assert waiting[2].headers["retry-after"]
        gone = server.request("DELETE", f"/v1/jobs/{waiting[1].json['id']}")
        assert gone.json["state"] == "cancelled"
        again = server.request("DELETE", f"/v1/jobs/{waiting[1].json['id']}")
        assert again.status == 409
        until(lambda: server.state(slow["id"]) == "running")
        assert server.request("DELETE", f"/v1/jobs/{slow['id']}").json["state"] == "cancelled"
        assert server.finished(waiting[0].json["id"])["state"] == "done"
        assert server.worked(verb="report", program=light[1])["state"] == "done"


@pytest.mark.slow
def test_jobs_have_limits(tmp_path: Path) -> None:
    """Of time, here less than any machine needs."""
    with running(tmp_path / "data", limits={"job_seconds": 0.02}) as server:
        program = uploaded(server, "m.onnx", onnx_model(2000))
        found = server.worked(verb="insert", program=program)
        assert found["state"] == "failed", found
        assert found["problem"]["type"] == "urn:shapeproof:problem:time"
        assert server.get("/readyz").status == 200


def test_programs_of_some_megabytes(server: Server) -> None:
    """Larger than what a framework takes without being told."""
    model = onnx.load_model_from_string(onnx_model())
    model.graph.initializer.append(
        helper.make_tensor("w", TensorProto.FLOAT, [3_000_000], bytes(12_000_000), raw=True)
    )
    program = uploaded(server, "weights.onnx", model.SerializeToString())
    result = server.get(ended(server, verb="insert", program=program)["result"])
    assert len(result.body) > 12_000_000
