"""What is asked of every model, and one model that it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from asserts.work.verbs import OPTIONS, key_of
from shapes.errors import ShapeproofError

__all__ = ["EngineError", "FleetError", "Model", "Plan", "Row", "Task"]

Row = dict[str, Any]
Task = dict[str, Any]


class FleetError(ShapeproofError):
    """A fleet that cannot begin: nothing to do, or no folder to write to."""


class EngineError(FleetError):
    """The engine cannot be reached, has gone away, or cannot run our code."""


@dataclass(frozen=True)
class Model:
    """A file: its `digest` (SHA-256) is empty and `problem` says why if it cannot be read."""

    path: str
    kind: str
    size: int = 0
    changed: int = 0
    """Its time of modification in nanoseconds."""
    digest: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """What is asked of every model. `seconds` and `memory` (bytes) are the limits of one
    model, `unpacked` the bytes of an archive when unpacked, `results` the folder for changed
    models (all workers of the engine must see it under that name)."""

    verb: str
    results: str
    policy: str = "preserve-user"
    seed: int = 0
    trials: int = 50
    seconds: float = 300.0
    memory: int = 4 << 30
    unpacked: int = 2 << 30
    options: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        known: dict[str, Any] = {"policy": self.policy, "sizes": None}
        known |= {"seed": self.seed, "trials": self.trials}
        names = (*OPTIONS[self.verb], *(("policy",) if self.verb == "verify" else ()))
        object.__setattr__(self, "options", {name: known[name] for name in names})

    def key(self, model: Model) -> str:
        """The hash of all that the answer for a model depends on: its content, the verb with
        its options, and the version; not the limits."""
        return key_of(self.verb, [model.digest, None], self.options)

    def task(self, model: Model) -> Task:
        """What an engine is told of a model: plain data."""
        from shapeproof import __version__

        limits = {"seconds": self.seconds, "memory": self.memory, "unpacked": self.unpacked}
        return {
            "key": self.key(model),
            "version": __version__,
            "verb": self.verb,
            "options": dict(self.options),
            "results": self.results,
            "limits": limits,
            "model": asdict(model),
        }
