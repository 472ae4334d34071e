"""A corpus of real programs: models of public packages, which nobody wrote for this project."""

from tests.torch.real import detection, experts, graphs, speech
from tests.torch.real.base import REAL, Made, Real

__all__ = ["REAL", "Made", "Real", "detection", "experts", "graphs", "speech"]
