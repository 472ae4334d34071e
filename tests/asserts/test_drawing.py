"""Graphs as pictures: every node once, asserts and proved checks in their colours."""

import os
import re
import shutil
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import asserts
from asserts import drawing
from asserts.trace import Spec, trace

if os.environ.get("CI"):
    import grandalf  # noqa: F401
else:
    pytest.importorskip("grandalf")


def crop(image, box):  # type: ignore[no-untyped-def]
    top, height = int(box[0]), int(box[1])
    asserts.check(height >= 1, "the box is empty")
    asserts.check(top >= 0)
    asserts.check(top + height <= image.shape[0])
    asserts.check(height <= image.shape[0])
    return np.sum(image[top : top + height], axis=0)


@pytest.mark.parametrize("dot", [False, True])
def test_a_checked_graph(dot: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if dot and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    if not dot:
        monkeypatch.setattr(drawing.shutil, "which", lambda name: None)
    made = asserts.insert(trace(crop, image=("h", "w"), box=Spec((2,), "int64")))
    picture = made.graph_module.draw(made.report)
    root = ET.fromstring(picture._repr_svg_())
    boxes = [g for g in root if g.tag.endswith("}g")]
    proved = [row for row in made.report.rows if row.outcome == "discharged"]
    assert len(boxes) == len(list(made.graph_module.graph.nodes)) + len(proved)
    colors = [next(r for r in g if r.tag.endswith("rect")).get("fill") for g in boxes]
    asserted = [row for row in made.report.rows if row.outcome == "inserted"]
    assert colors.count(drawing.COLORS["assert"]) == len(asserted)
    assert colors.count(drawing.COLORS["check"]) == len(proved)
    places = set(re.findall(r"<rect x='([-\d.]+)' y='([-\d.]+)'", picture.svg))
    assert len(places) == len(boxes), "no box lies on another"


def test_what_is_no_program() -> None:
    with pytest.raises(asserts.GraphError, match="a list is not a program"):
        asserts.draw([])
