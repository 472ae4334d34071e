"""The page at ``/``: nothing from elsewhere, and in a real browser what a person does."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from asserts.service.routes.page import PAGE
from tests.service.browser import CHROMIUM, Browser, browser
from tests.service.serving import Server

HTML = PAGE.read_text(encoding="utf-8")
WORD = "document.querySelector('.word')?.textContent"
BUSY = "document.getElementById('verdict').hasAttribute('aria-busy')"


def test_nothing_comes_from_elsewhere() -> None:
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", HTML)
    assert "@import" not in HTML
    assert "url(" not in HTML
    assert not re.findall(r"<[^>]*\son\w+=", HTML)  # no inline event handlers
    assert not re.findall(r"<[^>]*\sstyle=", HTML)
    assert "innerHTML" not in HTML
    assert "eval(" not in HTML


def test_the_policy_allows_this_script_only(server: Server) -> None:
    found = server.get("/")
    assert found.body.decode() == HTML
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall(r"'sha256-[\w+/=]+'", policy)) == 2


def test_every_field_has_a_label() -> None:
    for field in re.findall(r"<(?:textarea|input) id=\"(\w+)\"", HTML):
        assert f'<label for="{field}">' in HTML


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_script_is_javascript(tmp_path: Path) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", HTML, re.DOTALL)
    path = tmp_path / "page.js"
    path.write_text(script)
    subprocess.run(["node", "--check", str(path)], check=True)


# --------------------------------------------------------------------------- in a browser

PICTURES = Path(__file__).parents[2] / "build" / "page"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found
        assert not found.complaints()


def ask(page: Browser, server: Server, **fields: str) -> None:
    page.open("about:blank")
    page.open(f"{server.url}/#{urlencode(fields)}")
    page.until("!!document.querySelector('.word')")


def test_the_examples(page: Browser, server: Server) -> None:
    page.size(1280, 900)
    page.open(server.url)
    page.until(f"{WORD} === 'Always'")
    assert page.js("document.querySelectorAll('#examples button').length") == 8
    wanted = ["Always", "Always", "Always", "Depends", "Always", "Always", "Always", "Depends"]
    for index, word in enumerate(wanted):
        page.js(f"document.querySelectorAll('#examples button')[{index}].click()")
        page.until(f"!{BUSY} && {WORD} === {word!r}")
        assert page.js("document.querySelectorAll('#ranges svg').length") >= 1


def test_a_suggestion_settles_it(page: Browser, server: Server) -> None:
    ask(page, server, symbols="b:1..64\nunbacked u", facts="u <= 4*b", claims="u < b")
    page.until(f"{WORD} === 'Depends'")
    assert page.js("document.querySelectorAll('.put').length") == 2
    assert "< 1" in page.js("document.querySelector('.put .code').textContent")
    page.until("document.querySelectorAll('#suggestions button').length > 0")
    page.js("document.querySelector('#suggestions button').click()")
    page.until(f"{WORD} === 'Always'")
    assert page.js("document.getElementById('facts').value").startswith("u <= 4*b\n")
    assert page.js("document.getElementById('suggest').hidden") is True


def test_the_proof_is_a_tree(page: Browser, server: Server) -> None:
    ask(page, server, symbols="b:1..64\nunbacked u", facts="u <= 4*b", claims="u < 5*b")
    page.until("document.querySelectorAll('#proof-tree details').length >= 2")
    text = page.js("document.getElementById('proof').textContent")
    assert "linear" in text
    assert "u <= 4*b" in text
    page.js("for (const one of document.querySelectorAll('details')) one.open = true")
    page.picture(PICTURES / "proof.png")


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
    page.key("8", "Digit8", modifiers=1)
    page.until("document.getElementById('claims').value.startsWith('b*s*s')")
    page.until(f"{WORD} === 'Depends'")


def test_large_numbers_stay_whole(page: Browser, server: Server) -> None:
    ask(page, server, symbols="n", facts="n >= 9223372036854775807", claims="n < 1")
    page.until(f"!{BUSY} && document.querySelector('.ends') !== null")
    assert "9223372036854775807" in page.js("document.querySelector('.ends').textContent")


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
    page.picture(PICTURES / f"{width}-{'dark' if dark else 'light'}.png")
    page.js("document.getElementById('theme').click()")
    color = page.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", color))) < 200) is not dark
    page.js("localStorage.clear()")


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
    if (!own || ["SCRIPT", "STYLE"].includes(node.tagName) || !node.getClientRects().length) continue;
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
