"""A typed client of the service (``shapeproof serve``), on the standard library alone.

    with Client("http://127.0.0.1:8000") as service:
        known = {"symbols": ["b:1..64", "unbacked u"], "facts": ["u <= 4*b"]}
        service.prove("u < 5*b", **known).status           # "always"
        env = service.create(name="ragged", **known)
        env = service.state(env, facts=["u % 8 == 0"])     # (unless it has changed)
        job = service.run("minimise", service.upload("model.onnx"))

Imports nothing of the service, and `shapes.errors` only.
"""

from __future__ import annotations

from asserts.client.answers import (
    Bounds,
    Congruence,
    Contract,
    Environment,
    Fits,
    Guards,
    Job,
    Program,
    Region,
    Simplified,
    Suggestions,
    Verdict,
)
from asserts.client.client import Client
from asserts.client.connection import BusyError, ServiceError

__all__ = [
    "Bounds",
    "BusyError",
    "Client",
    "Congruence",
    "Contract",
    "Environment",
    "Fits",
    "Guards",
    "Job",
    "Program",
    "Region",
    "ServiceError",
    "Simplified",
    "Suggestions",
    "Verdict",
]
