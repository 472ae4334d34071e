"""The page at ``/``: nothing from elsewhere, and in a real browser what a person does."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import onnx
import pytest
from onnx import TensorProto, helper

import asserts
from asserts.dialects.numpy.codec import load
from asserts.service.routes.page import FILES, FOLDER, PAGE, POLICY
from asserts.service.run import add_key
from asserts.service.settings import Settings
from tests.service.browser import CHROMIUM, Browser, browser
from tests.service.serving import Server, running
from tests.service.test_programs import onnx_model

HTML = PAGE.read_text(encoding="utf-8")
VENDOR = FOLDER / "vendor"
SCRIPTS = sorted(path for name, path in FILES.items() if re.fullmatch(r"\w+\.js", name))
OWN = [PAGE, FOLDER / "style.css", *SCRIPTS]
WORD = "document.querySelector('.word')?.textContent"
BUSY = "document.getElementById('verdict').hasAttribute('aria-busy')"
DONE = "document.getElementById('progress').textContent.includes('Done')"
DRAWN = (
    f"{DONE} && !!document.getElementById('canvas')._cyreg && "
    "!document.getElementById('canvas').hasAttribute('aria-busy')"
)
CY = "document.getElementById('canvas')._cyreg.cy"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"""["'(](?:https?:)?//""", text)
    assert "@import" not in text
    assert "innerHTML" not in text
    assert not re.findall(r"\beval\(|new Function", text)
    assert not re.findall(r"<[^>]*\s(?:on\w+|style)=", text)  # nothing inline
    assert not re.findall(r"<(?:script|style)>", text)


def test_the_policy_allows_files_of_the_page_only(server: Server) -> None:
    found = server.get("/")
    assert found.body.decode() == HTML
    assert found.headers["content-security-policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"https?:|\*", POLICY)


def test_the_files_of_the_page(server: Server) -> None:
    named = set(re.findall(r'(?:src|href)="/page/([^"]+)"', HTML))
    named |= {name for path in SCRIPTS for name in re.findall(r'"/page/([^"]+)"', path.read_text())}
    assert named <= FILES.keys()
    for name, path in FILES.items():
        found = server.get(f"/page/{name}")
        assert found.body == path.read_bytes()
        assert found.headers["x-content-type-options"] == "nosniff"
        again = {"If-None-Match": found.headers["etag"]}
        assert server.get(f"/page/{name}", headers=again).status == 304
    assert server.get("/page/script.js").headers["content-type"].startswith("application/problem")
    for name in ("vendor", "../routes/page.py", "%2e%2e/routes/page.py", "vendor/README.md"):
        assert server.get(f"/page/{name}").status == 404


def test_libraries_are_those_that_were_published() -> None:
    readme = (VENDOR / "README.md").read_text()
    stated = dict(re.findall(r"^\| `([\w.]+)` .*`([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    libraries = sorted(VENDOR.glob("*.js"))
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in libraries}
    assert found == stated
    assert sum(path.stat().st_size for path in libraries) <= 600_000
    for path in libraries:
        licence = VENDOR / f"{path.name.partition('.')[0]}.LICENSE"
        assert "Permission is hereby granted, free of charge" in licence.read_text()


def test_the_sample_is_the_example() -> None:
    sample = load((FOLDER / "sample.json").read_text())
    counts = asserts.insert(sample).report.counts()
    assert counts["inserted"] >= 4
    assert counts["discharged"] >= 4
    assert not re.search(r"/(work|tmp|home|usr)/", (FOLDER / "sample.json").read_text())


def test_every_field_has_a_label() -> None:
    for field in re.findall(r'<(?:textarea|input|select) id="([\w-]+)"', HTML):
        assert f'for="{field}"' in HTML


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_javascript(path: Path, tmp_path: Path) -> None:
    module = tmp_path / "page.mjs"
    module.write_text(path.read_text())
    subprocess.run(["node", "--check", str(module)], check=True)


# --------------------------------------------------------------------------- colours

AGAINST = {
    "ink": ("page", "card", "field", "soft", "always-soft", "never-soft", "depends-soft",
            "unknown-soft", "g-plain", "g-input", "g-inserted", "g-kept", "g-proved", "g-gone"),
    "dim": ("page", "card", "field", "soft", "depends-soft", "g-plain"),
    "accent": ("page", "card"), "accent-ink": ("accent",), "always": ("card", "always-soft"),
    "never": ("card", "never-soft"), "depends": ("card", "depends-soft"),
    "unknown": ("card", "unknown-soft"),
}  # fmt: skip
"""Each colour of text, and what it stands on."""


def themes() -> dict[str, dict[str, str]]:
    text = (FOLDER / "style.css").read_text()
    blocks = re.findall(r"^ *:root([^{]*)\{([^}]*)\}", text, re.MULTILINE)
    found = [(head, dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))) for head, body in blocks]
    (light,) = [colors for head, colors in found if not head.strip()]
    (system,) = [colors for head, colors in found if "not(" in head]
    (dark,) = [colors for head, colors in found if head.strip() == '[data-theme="dark"]']
    assert system == dark, "chosen and of the system, dark is the same"
    return {"light": light, "dark": dark}


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_colour_variables(theme: str) -> None:
    """WCAG AA: 4.5 to 1 for text, 3 to 1 for what pictures show."""
    colors = themes()[theme]
    for text, grounds in AGAINST.items():
        for ground in grounds:
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    for kind in ("inserted", "kept", "proved"):
        assert contrast(colors[f"g-{kind}-line"], colors["field"]) >= 3, kind
    assert contrast(colors["accent"], colors["field"]) >= 3


# --------------------------------------------------------------------------- in a browser

PICTURES = Path(__file__).parents[2] / "build" / "page"


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with browser() as found:
        yield found
        assert not found.complaints


def ask(page: Browser, server: Server, **fields: str) -> None:
    page.open(f"{server.url}/#{urlencode(fields)}")
    page.until("!!document.querySelector('.word')")


def give(page: Browser, server: Server, name: str, content: bytes, verb: str = "insert") -> None:
    """Put a program into the page, and wait for what comes of it."""
    page.open(f"{server.url}/#programs=")
    page.page.select_option("#verb", verb)
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.page.set_input_files("#file", file)
    page.until(DRAWN)


def test_the_examples(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    page.open(server.url)
    page.until(f"{WORD} === 'Always'")
    assert page.js("document.querySelectorAll('#examples button').length") == 8
    wanted = ["Always", "Always", "Always", "Depends", "Always", "Always", "Always", "Depends"]
    for index, word in enumerate(wanted):
        page.js("document.getElementById('region-picture').replaceChildren()")
        page.click(f"#examples button:nth-child({index + 1})")
        page.until(f"!{BUSY} && {WORD} === {word!r}")
        page.until("!!document.querySelector('svg.region')")
        assert page.js("document.querySelectorAll('#ranges svg').length") >= 2
        pressed = "document.querySelectorAll('#examples button[aria-pressed=true]').length"
        assert page.js(pressed) == 1


def test_a_suggestion_settles_it(page: Browser, server: Server) -> None:
    ask(page, server, symbols="b:1..64\nunbacked u", facts="u <= 4*b", claims="u < b")
    page.until(f"{WORD} === 'Depends'")
    assert page.js("document.querySelectorAll('.put').length") == 2
    assert "< 1" in page.js("document.querySelector('.put .code').textContent")
    page.click("#suggestions button")
    page.until(f"{WORD} === 'Always'")
    assert page.js("document.getElementById('facts').value").startswith("u <= 4*b\n")
    assert page.js("document.getElementById('suggest').hidden") is True


def test_the_proof_opens_step_by_step(page: Browser, server: Server) -> None:
    ask(page, server, symbols="b:1..64\nunbacked u", facts="u <= 4*b", claims="u < 5*b")
    page.until("document.querySelectorAll('#proof-tree details').length >= 2")
    text = page.js("document.getElementById('proof').textContent")
    assert "linear" in text
    assert "u <= 4*b" in text
    closed = "document.querySelectorAll('#proof-tree details:not([open])').length"
    first = page.js(closed)
    assert first >= 1
    page.click("#proof-next")
    assert page.js(closed) == first - 1
    while page.js(closed):
        page.click("#proof-next")
    page.until("document.getElementById('proof-next').disabled")
    page.picture(PICTURES / "proof.png")
    page.click("#proof-all")
    page.until(f"{closed} === {first}")
    page.click("#proof-all")
    page.until(f"{closed} === 0")


def test_typing_and_links(page: Browser, server: Server) -> None:
    ask(page, server, symbols="b:1..64", facts="", claims="b >= 1")
    page.until(f"{WORD} === 'Always'")
    page.type("claims", "b >= 2")
    page.until(f"{WORD} === 'Depends'")
    shared = parse_qs(page.js("location.hash").removeprefix("#"), keep_blank_values=True)
    assert shared == {"symbols": ["b:1..64"], "facts": [""], "claims": ["b >= 2"]}
    page.type("facts", "b >= 3\nb >=")
    page.until("document.getElementById('facts-error').textContent.includes('line 2')")
    assert page.js("document.getElementById('facts').getAttribute('aria-invalid')") == "true"
    page.type("facts", "b >= 3")
    page.until(f"{WORD} === 'Always'")
    assert page.js("document.getElementById('facts-error').textContent") == ""
    page.key("Alt+Digit8")
    page.until("document.getElementById('claims').value.startsWith('b*s*s')")
    page.until(f"{WORD} === 'Depends'")


def test_large_numbers_stay_whole(page: Browser, server: Server) -> None:
    ask(page, server, symbols="n", facts="n >= 9223372036854775807", claims="n < 1")
    page.until(f"!{BUSY} && document.querySelector('.ends') !== null")
    assert "9223372036854775807" in page.js("document.querySelector('.ends').textContent")


def test_the_region_has_the_counterexample_in_it(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    ask(page, server, symbols="b:1..64\nunbacked u\nint k:0..9\nbool p", facts="u <= 4*b",
        claims="u < 3*b")  # fmt: skip
    page.until("!!document.querySelector('path.counterexample')")
    for kind in ("holds", "fails", "mixed"):
        assert page.js(f"document.querySelectorAll('.cell.{kind}').length") > 0, kind
    star = page.js("document.querySelector('path.counterexample title').textContent")
    values = dict(re.findall(r"(\w) = (\d+)", star))
    assert 3 * int(values["b"]) <= int(values["u"]) <= 4 * int(values["b"])
    assert page.js("[...document.getElementById('region-x').options].map((o) => o.value)") == [
        "b", "u", "k",
    ]  # fmt: skip
    page.click("#region-in")
    page.until("!document.getElementById('region-all').disabled")
    page.until("!!document.querySelector('path.counterexample')")
    page.page.select_option("#region-y", "k")
    spoken = "document.querySelector('svg.region').getAttribute('aria-label')"
    page.until(f"{spoken}.includes('k from 0 to 9')")
    page.page.select_option("#region-x", "k")  # (they change places)
    page.until(f"{spoken}.startsWith('Region of k')")
    shared = page.js("location.href")
    assert "x=k&y=b" in shared
    page.open(shared)
    page.until(f"!!document.querySelector('svg.region') && {spoken}.startsWith('Region of k')")
    page.page.hover("svg.region")
    note = "document.getElementById('region-note').textContent"
    page.until(f"{note}.startsWith('k = ') && {note}.includes('b = ')")
    page.type("symbols", "b:1..64\nbool p")
    page.type("facts", "")
    page.type("claims", "b > 0")
    page.until("document.getElementById('region').hidden")


# --------------------------------------------------------------------------- programs


def test_a_program_is_dropped_and_its_checks_shown(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    page.open(f"{server.url}/#programs=")
    page.click("#sample")
    page.until(DRAWN)
    assert "inserted" in page.js("document.getElementById('counts').textContent")
    proved = page.js(f"{CY}.nodes('.proved').length")
    assert proved >= 4
    assert page.js(f"{CY}.nodes('.inserted').length") >= 4
    assert page.js("[...document.querySelectorAll('#rows .badge.proved')].length") == proved
    colors = page.js(f"['inserted', 'proved'].map((k) => {CY}.nodes('.' + k)[0].style('background-color'))")
    assert len(set(colors)) == 2
    page.page.locator("#rows button.check", has=page.page.locator(".badge.proved")).first.click()
    detail = page.js("document.getElementById('detail-body').innerText")
    assert "Proved by" in detail
    assert "route_tokens.py:" in detail
    assert page.js(f"{CY}.nodes('.chosen').length") == 1
    contract = page.js("document.getElementById('contract-body').innerText")
    assert "axis 1 of scores equals 4" in contract
    shared = page.js("location.href")
    page.open(shared)
    page.until(DRAWN)
    assert "known from before" not in page.js("document.getElementById('progress').textContent")


def test_the_graph_is_searched_and_clicked(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    give(page, server, "model.onnx", onnx_model(6))
    page.type("find", "concat")
    page.until("document.getElementById('found').textContent === '1 found'")
    page.key("Enter")
    assert page.js(f"{CY}.nodes('.chosen').map((n) => n.data('label'))") == ["Concat"]
    assert "t0 = Concat" in page.js("document.getElementById('detail-body').innerText")
    page.js(f"void {CY}.nodes('.inserted')[0].emit('tap')")
    assert page.js("document.querySelectorAll('#rows button[aria-pressed=true]').length") == 1
    page.until(f"!{CY}.animated()")
    before = page.js(f"{CY}.zoom()")
    page.click("#graph-out")
    assert page.js(f"{CY}.zoom()") < before
    page.page.focus("#canvas")
    page.key("+")
    assert page.js(f"{CY}.zoom()") == pytest.approx(before)
    pan = page.js(f"{CY}.pan().x")
    page.key("ArrowLeft")
    assert page.js(f"{CY}.pan().x") > pan
    page.until("document.getElementById('contract-body').innerText.includes('accepts')")
    assert "2·n equals m, or m equals 1" in page.js("document.getElementById('contract-body').innerText")


def test_downloads(page: Browser, server: Server) -> None:
    give(page, server, "model.onnx", onnx_model())
    with page.page.expect_download() as found:
        page.click("#downloads button:nth-child(1)")
    assert found.value.suggested_filename == "model.insert.onnx"
    onnx.checker.check_model(onnx.load(found.value.path()))
    with page.page.expect_download() as found:
        page.click("#downloads button:nth-child(3)")
    assert json.loads(Path(found.value.path()).read_text())["version"] == "2.1.0"


def test_a_damaged_file_is_explained(page: Browser, server: Server) -> None:
    page.open(f"{server.url}/#programs=")
    file = {"name": "bad.onnx", "mimeType": "application/octet-stream", "buffer": b"\0nothing"}
    page.page.set_input_files("#file", file)
    page.until("!!document.querySelector('#progress .error')")
    assert page.js("document.querySelector('#progress .error').textContent")
    assert page.js("document.getElementById('graph').hidden") is True


def large_model(nodes: int) -> bytes:
    """A model of many nodes, in branches that join."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    made, last = [], ["x"] * 4
    for i in range(nodes):
        a, b = last[i % 4], last[(i + i // 4) % 4]
        made.append(helper.make_node("Add" if i % 3 else "Mul", [a, b], [f"t{i}"], name=f"n{i}"))
        last[i % 4] = f"t{i}"
    made.append(helper.make_node("Sum", last, ["z"]))
    graph = helper.make_graph(made, "g", [x], [z])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.slow
def test_a_thousand_nodes(page: Browser, server: Server) -> None:
    """All are drawn while the page goes on answering, and moving skips what is dear."""
    page.size(1280, 900)
    page.open(f"{server.url}/#programs=")
    page.js("(window.beats = 0, setInterval(() => { window.beats++; }, 20), 0)")
    file = {"name": "large.onnx", "mimeType": "application/octet-stream", "buffer": large_model(1000)}
    page.page.set_input_files("#file", file)
    page.until(DRAWN, 180)
    assert page.js(f"{CY}.nodes().length") >= 1000
    assert page.js("window.beats") >= 10  # (it was not held while the graph was made)
    for _ in range(3):
        page.click("#graph-in")
    page.type("find", "n77")
    page.until("document.getElementById('found').textContent === '11 found'")
    page.picture(PICTURES / "thousand.png")


def test_a_key_is_asked_for_and_used(page: Browser, tmp_path: Path) -> None:
    key = add_key(Settings(folder=tmp_path), "alice", frozenset(("read", "write")))
    with running(tmp_path, auth="on") as server:
        page.open(server.url)
        page.until("!document.getElementById('key-field').hidden")
        page.type("key", key)
        page.until(f"{WORD} === 'Always'")
        page.click("#tab-programs")
        page.click("#sample")
        page.until(DRAWN)
        with page.page.expect_download() as found:
            page.click("#downloads button:nth-child(2)")
        assert json.loads(Path(found.value.path()).read_text())["verb"] == "insert"
        assert key not in page.js("location.href")


# --------------------------------------------------------------------------- looks


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_sizes_and_themes(width: int, dark: bool, page: Browser, server: Server) -> None:
    page.size(width, 900, dark)
    ask(page, server, symbols="height:224..4096\nunbacked top\nint k", facts="top < height",
        claims="top + 224*1000000000000000000000000000 <= height or k < 9999999")  # fmt: skip
    page.until(f"!{BUSY} && {WORD} === 'Depends'")
    assert page.js("document.documentElement.scrollWidth") <= width
    color = page.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", color))) < 200) is dark
    page.until("document.querySelectorAll('#ranges svg').length === 3")
    look = f"{width}-{'dark' if dark else 'light'}"
    ask(page, server, symbols="h:224..4096\nunbacked top", facts="top < h",
        claims="top + 224 <= h")  # fmt: skip
    page.until("!!document.querySelector('path.counterexample')")
    page.picture(PICTURES / f"explore-{look}.png")
    page.open(f"{server.url}/#programs=")
    page.click("#sample")
    page.until(DRAWN)
    page.page.locator("#rows button.check").nth(3).click()
    assert page.js("document.documentElement.scrollWidth") <= width
    page.until(f"!{CY}.animated()")
    assert page.js(CONTRAST) == []
    page.picture(PICTURES / f"programs-{look}.png")
    page.click("#theme")
    color = page.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", color))) < 200) is not dark
    page.js("localStorage.clear()")


def test_everything_is_reached_by_keyboard(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    page.open(server.url)
    page.until(f"{WORD} === 'Always'")
    page.page.focus("#tab-explore")
    page.key("ArrowRight")
    assert page.js("document.activeElement.id") == "tab-programs"
    assert page.js("document.getElementById('explore').hidden") is True
    page.key("ArrowLeft")
    assert page.js("document.getElementById('programs').hidden") is True
    reached = set()
    for _ in range(60):
        page.key("Tab")
        reached.add(page.js("document.activeElement.id || document.activeElement.tagName"))
    assert {"theme", "link", "symbols", "facts", "claims", "region-x", "region-in"} <= reached


CONTRAST = """(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) =>
    v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
  };
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || node instanceof SVGElement || !node.getClientRects().length) continue;
    if (node.matches(":disabled")) continue;
    const [a, b] = [parse(getComputedStyle(node).color), behind(node)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push([node.className, node.textContent.slice(0, 20), ratio]);
  }
  return bad;
})()"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("claim", ["n < 9", "n >= 0", "n < 0", "n**3 + k**3 != 29", "n <"])
def test_contrast(claim: str, dark: bool, page: Browser, server: Server) -> None:
    """WCAG AA: 4.5 to 1 for every text."""
    page.size(1280, 900, dark)
    ask(page, server, symbols="n\nk", facts="", claims=claim)
    page.until(f"!{BUSY} && document.querySelectorAll('#ranges svg').length === 2")
    assert page.js(CONTRAST) == []
