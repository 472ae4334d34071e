"""Views for people: terminals, notebooks, sentences."""

from __future__ import annotations

import html
import io
import re
from html.parser import HTMLParser

import pytest

from shapes import ShapeEnv, Status
from shapes.env.display import html_table, terminal_width, text_table


class _Balanced(HTMLParser):
    """Fails for a tag that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def balanced(markup: str) -> str:
    parser = _Balanced()
    parser.feed(markup)
    assert not parser.open
    return " ".join(parser.text)


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    b = env.size("b", hint=8, min=1, max=64, source="x['<b>'].shape[0]")
    u = env.unbacked("u", size_like=True)
    env.boolean("flag")
    env.real("scale", hint=0.5)
    env.check(u % 8 == 0)
    env.assume(u < b * 2)
    return env


def test_a_text_table_has_columns() -> None:
    assert text_table(("a", "long"), [("1", "2"), ("three", "")]).splitlines() == [
        "a      long",
        "-----  ----",
        "1      2",
        "three",
    ]
    assert text_table(("a",), []) == "a\n-"


def test_an_html_table_is_escaped() -> None:
    text = balanced(html_table(("<h>",), [("a & b",), ("<script>",)]))
    assert "<script>" in text
    assert "<script>" not in html_table((), [("<script>",)])


def test_an_environment_as_text(env: ShapeEnv) -> None:
    text = str(env)
    table = text.split("\n\n")[0]
    rows = {line.split()[0]: line for line in table.splitlines()}
    assert "[1, 64]" in rows["b"]
    assert "8" in rows["b"]
    assert "int, unbacked" in rows["u"]
    assert "0 mod 8" in rows["u"]
    assert "[False, True]" in rows["flag"]
    assert "declared range" in text
    assert "u < 2 * b" in text
    assert str(ShapeEnv()) == "ShapeEnv without symbols"


def test_an_environment_in_a_notebook(env: ShapeEnv) -> None:
    markup = env._repr_html_()
    assert "<b>" not in markup
    assert html.escape("x['<b>'].shape[0]") in markup
    assert "u" in balanced(markup)


def test_an_expression_in_a_notebook(env: ShapeEnv) -> None:
    assert "2b in [2, 128]" in " ".join(balanced((env["b"] * 2)._repr_html_()).split())
    assert "&lt;" in (env["b"] < env["u"])._repr_html_()
    assert "scale" in balanced((env["scale"] * 2)._repr_html_())


@pytest.mark.parametrize(
    ("claim", "status", "head"),
    [
        ("u % 4 == 0", Status.ALWAYS, "`u % 4 == 0` always holds, by"),
        ("u > 1000", Status.NEVER, "`u > 1000` never holds, by"),
        ("u < b", Status.DEPENDS, "`u < b` depends on the values"),
    ],
)
def test_a_verdict_in_sentences(env: ShapeEnv, claim: str, status: Status, head: str) -> None:
    verdict = env.prove(claim)
    assert verdict.status is status
    text = verdict.explain()
    assert text.startswith(head)
    assert str(verdict) == text
    if verdict.proof is not None:
        assert all(f"because {fact}" in text for fact in verdict.proof.facts)
        assert str(verdict.proof).startswith(f"by {verdict.proof.method}")
    if status is Status.DEPENDS:
        assert f"it fails for {verdict.counterexample}" in text
        assert f"it holds for {verdict.witness}" in text
    markup = verdict._repr_html_()
    assert status.name in balanced(markup)


def test_an_open_verdict_says_what_was_tried(env: ShapeEnv) -> None:
    verdict = env.prove("u * b != 48", effort="cheap")
    assert verdict.status is Status.UNKNOWN
    assert verdict.explain().startswith("`u * b != 48` could not be decided")
    assert "tried: methods canonical, ranges" in verdict.explain()


def test_a_counterexample_is_a_mapping(env: ShapeEnv) -> None:
    example = env.prove("u < b").counterexample
    assert example is not None
    assert set(example) == {"u", "b"}
    assert example["u"] >= example["b"]
    assert str(example) == repr(example)
    assert f"u = {example['u']}" in str(example)


# --------------------------------------------------------------------------- width


ROWS = [("a long text of many words", "x", "one_word_that_is_very_long"), ("b", "y", "z")]


@pytest.mark.parametrize("width", [None, 80, 56, 40, 30])
def test_tables_fit_into_a_width(width: int | None) -> None:
    lines = text_table(("first", "second", "third"), ROWS, width).splitlines()

    assert width is None or max(map(len, lines)) <= width
    letters = "".join("".join(lines).split())
    assert all(word in letters for word in ("many", "second", "third"))
    columns = [line[: lines[1].index(" ")].strip() for line in lines[2:]]
    assert " ".join(" ".join(columns).split()) == "a long text of many words b"
    assert (len(lines) == 4) == (width in (None, 80))


def test_a_table_that_cannot_fit_is_as_narrow_as_its_words() -> None:
    assert text_table(("first", "second", "third"), ROWS, 1)
    assert text_table((), [], 10) == text_table((), [])


@pytest.mark.parametrize(
    ("columns", "width"), [("80", 80), ("1", 1), ("0", None), ("-3", None), ("x", None)]
)
def test_the_width_of_the_terminal(
    columns: str, width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width
    monkeypatch.setattr("sys.stdout", None)
    assert terminal_width() == width


def test_an_environment_fits(env: ShapeEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, str(env).splitlines())) <= 60
# ---- in a terminal, and on dark pages ----


def test_representations_are_for_people() -> None:
    env = ShapeEnv()
    assert repr(env) == "<ShapeEnv of no symbols: 0 facts, 0 guards, 0 checks>"
    n = env.size("n", hint=3)
    assert n > 2
    env.check("n <= 9", "small")
    assert repr(env) == "<ShapeEnv of n: 3 facts, 1 guard, 1 check>"
    assert repr(env.prove("n <= 9")) == "<ALWAYS: `n <= 9` always holds, by a known fact>"
    assert repr(env.prove("n <= 5")).startswith("<DEPENDS: `n <= 5` depends on the values")
    assert "object at 0x" not in repr([env.facts, *env.facts, env.guards, env.checks, env.axioms])
    for place in range(20):
        env.size(f"s{place}")
    assert repr(env).startswith("<ShapeEnv of n, s0, s1, s2, s3, s4, s5, s6, ...: ")


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_colours_can_be_read_on_any_page() -> None:
    """A colour of text stands on a background of its own, with a contrast of 4.5; all else
    takes the page's."""
    env = ShapeEnv()
    n = env.size("n", max=9)
    texts = [
        (2 * n)._repr_html_(), env._repr_html_(), *(env.prove(c)._repr_html_() for c in
        ("n >= 0", "n >= 1", "n < 0")),
    ]  # fmt: skip
    for style in re.findall(r"style='([^']*)'", "".join(texts)):
        said = dict(part.split(":") for part in style.split(";") if part)
        assert ("color" in said) is ("background" in said)
        if "color" in said:
            ends = sorted(_luminance(said[key]) + 0.05 for key in ("color", "background"))
            assert ends[1] / ends[0] >= 4.5
