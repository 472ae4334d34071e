"""The figures of the documentation can be made again, and are no worse than it says."""

from __future__ import annotations

import logging

import pytest

from tests.torch import figures
from tests.torch.programs import named


def test_the_figures_of_a_few_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tuple(named(n) for n in ("ManyBounds", "Routed", "OrderedOffsets", "HalvedUp"))
    monkeypatch.setattr(figures, "CORPUS", few)
    try:
        assert figures.main(["--kept"]) == 0
    finally:
        logging.disable(logging.NOTSET)

    shown = capsys.readouterr().out
    assert "minimised: 13 -> 8" in shown
    assert "3 of 4 with torch alone, 4 with the second opinion" in shown
    assert "Routed: u1 <= u0" in shown
