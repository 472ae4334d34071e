"""Graphs as pictures (SVG), with asserts coloured by what became of them.

Nodes stand in layers, each below those that it uses: placed by Graphviz where its program
``dot`` is installed, else by grandalf's Sugiyama layout (extra ``notebooks``).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Final

from asserts.conditions.report import Report
from asserts.files import write_whole
from asserts.outline import Box, outline

__all__ = ["Drawing", "draw", "draw_boxes"]

HEIGHT, LETTER, MARGIN = 26.0, 7.0, 16.0  # of a box, the width of a letter; in pixels
DOT_SECONDS: Final = 30

COLORS: Final = {
    "input": "#ddf4ff", "operation": "#f6f8fa", "part": "#f6f8fa", "assert": "#ffd8d3",
    "check": "#dafbe1", "output": "#ddf4ff",
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """An SVG picture, which notebooks show."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the picture into a file."""
        write_whole(str(path), lambda file: file.write(self.svg.encode()))


def draw(program: object, report: Report | None = None) -> Drawing:
    """Draw a program's graph: inputs and outputs blue, asserts red, and, with the report of
    the pass that was run, proved checks green behind the node where they hold.

    Raises `GraphError` for what is not a program, `ImportError` where neither Graphviz nor
    grandalf is installed.
    """
    found = outline(program, report)
    rows = report.rows if report is not None else ()
    boxes = {box.name: box for box in found.boxes if box.role != "check"}
    for box in found.boxes:
        row = rows[box.check] if box.check is not None else None
        if box.role == "check" and row is not None and row.outcome == "discharged":
            boxes[box.name] = replace(box, title=f"{row.condition}: {row.why}")
    edges = [(a, b) for a, b in found.edges if a in boxes and b in boxes]
    return draw_boxes(boxes, edges)


def draw_boxes(boxes: Mapping[str, Box], edges: Edges) -> Drawing:
    """Draw boxes by name, each below those from which an edge leads to it.

    Raises `ImportError` where neither Graphviz nor grandalf is installed.
    """
    places = _graphviz(boxes, edges) if shutil.which("dot") else _grandalf(boxes, edges)
    return Drawing(_svg(boxes, edges, places))


def _width(box: Box) -> float:
    return LETTER * len(box.text) + MARGIN


# --------------------------------------------------------------------------- layout

Place = tuple[float, float]  # the middle of a box, in pixels, y downwards
Edges = Sequence[tuple[str, str]]


def _graphviz(boxes: Mapping[str, Box], edges: Edges) -> dict[str, Place]:
    names = list(boxes)
    number = {name: i for i, name in enumerate(names)}
    lines = [
        f"n{i} [shape=box fixedsize=true width={_width(boxes[name]) / 72:.3f} "
        f"height={HEIGHT / 72:.3f}]"
        for name, i in number.items()
    ]
    lines += [f"n{number[a]} -> n{number[b]}" for a, b in edges]
    text = "digraph {\n" + "\n".join(lines) + "\n}"
    found = subprocess.run(
        ["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True,
        timeout=DOT_SECONDS,
    )  # fmt: skip
    words = [line.split() for line in found.stdout.splitlines()]
    height = float(words[0][3])
    return {
        names[int(w[1][1:])]: (72 * float(w[2]), 72 * (height - float(w[3])))
        for w in words
        if w[0] == "node"
    }


def _grandalf(boxes: Mapping[str, Box], edges: Edges) -> dict[str, Place]:
    try:
        from grandalf.graphs import Edge, Graph, Vertex
        from grandalf.layouts import SugiyamaLayout
    except ImportError:
        raise ImportError(
            "drawings need Graphviz's `dot` or grandalf: pip install 'shapeproof[notebooks]'"
        ) from None

    vertices = {name: Vertex(name) for name in boxes}
    for name, vertex in vertices.items():
        vertex.view = _View(_width(boxes[name]), HEIGHT)
    graph = Graph(
        list(vertices.values()),
        [Edge(vertices[a], vertices[b]) for a, b in dict.fromkeys(edges)],
    )
    places: dict[str, Place] = {}
    left = 0.0
    for component in graph.C:
        layout = SugiyamaLayout(component)
        layout.init_all()
        layout.draw()
        parts = list(component.sV)
        low = min(v.view.xy[0] - v.view.w / 2 for v in parts)
        for v in parts:
            places[v.data] = v.view.xy[0] - low + left, v.view.xy[1]
        left = max(places[v.data][0] + v.view.w / 2 for v in parts) + MARGIN
    return places


class _View:
    """What grandalf wants to know of a vertex, and where it puts it."""

    def __init__(self, w: float, h: float) -> None:
        self.w, self.h = w, h
        self.xy: Place = (0.0, 0.0)


# --------------------------------------------------------------------------- picture


def _svg(boxes: Mapping[str, Box], edges: Edges, places: Mapping[str, Place]) -> str:
    half = {name: _width(box) / 2 for name, box in boxes.items()}
    low_x = min((x - half[n] for n, (x, _) in places.items()), default=0) - MARGIN
    low_y = min((y for _, y in places.values()), default=0) - HEIGHT
    high_x = max((x + half[n] for n, (x, _) in places.items()), default=0) + MARGIN
    high_y = max((y for _, y in places.values()), default=0) + HEIGHT
    size = high_x - low_x, high_y - low_y
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{size[0]:.0f}' "
        f"height='{size[1]:.0f}' viewBox='{low_x:.0f} {low_y:.0f} {size[0]:.0f} "
        f"{size[1]:.0f}' style='max-width:100%;height:auto' "
        f"font-family='monospace' font-size='11'>"
    )
    parts = [_line(places[a], places[b]) for a, b in dict.fromkeys(edges)]
    parts += [_rectangle(boxes[name], place) for name, place in places.items()]
    return "\n".join([head, *parts, "</svg>"])


def _line(start: Place, end: Place) -> str:
    x1, y1, x2, y2 = start[0], start[1] + HEIGHT / 2, end[0], end[1] - HEIGHT / 2
    middle = (y1 + y2) / 2
    path = f"M{x1:.1f},{y1:.1f} C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{y2:.1f}"
    return f"<path d='{path}' fill='none' stroke='#8c959f'/>"


def _rectangle(box: Box, place: Place) -> str:
    width = _width(box)
    x, y = place[0] - width / 2, place[1] - HEIGHT / 2
    return (
        f"<g><title>{escape(box.title)}</title>"
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{HEIGHT:.1f}' rx='5' "
        f"fill='{COLORS[box.role]}' stroke='#57606a'/>"
        f"<text x='{place[0]:.1f}' y='{place[1] + 4:.1f}' text-anchor='middle' "
        f"fill='#1f2328'>{escape(box.text)}</text></g>"
    )
