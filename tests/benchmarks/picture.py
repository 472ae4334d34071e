"""The ratios as a picture; needs matplotlib (extra `bench`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.analysis import Ratio

__all__ = ["draw"]

_COLOURS = {"torch": "#c4512d", "jax": "#3b6fb6", "tvm": "#3f8f5b"}


def draw(ratios: Sequence[Ratio], path: Path) -> None:
    """How many times our time the peers took, on a logarithmic scale, the aims as ticks."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "shapeproof"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    shown = [r for r in ratios if r.peer in _COLOURS and r.ours in ("ours", "ours-torch")]
    labels = list(dict.fromkeys(r.workload for r in shown))
    figure, axes = plt.subplots(figsize=(8, 0.5 + 0.5 * len(labels)))
    height = 0.27
    for r in shown:
        peer = list(_COLOURS).index(r.peer)
        y = labels.index(r.workload) + (peer - 1) * height
        axes.barh(y, r.value - 1, height * 0.9, color=_COLOURS[r.peer], left=1)
        if r.aim is not None:
            axes.plot([r.aim, r.aim], [y - height / 2, y + height / 2], color="black", lw=1.5)
    for r in ratios:
        if r.peer in _COLOURS and r.ours in ("ours compiled", "ours-torch compiled"):
            y = labels.index(r.workload) + (list(_COLOURS).index(r.peer) - 1) * height
            axes.plot(r.value, y, "o", color=_COLOURS[r.peer], mec="black", ms=4)
    axes.plot([], [], "o", color="grey", mec="black", ms=4, label="compiled")
    for peer in _COLOURS:
        axes.barh(0, 0, left=1, color=_COLOURS[peer], label=peer)
    axes.plot([], [], color="black", lw=1.5, label="aim")
    axes.axvline(1, color="grey", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("CPU time of the peer divided by ours (right of 1: ours is faster)")
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
