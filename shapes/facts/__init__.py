"""What is known: facts with their provenance, and bounds propagation over them.

`store` holds facts as an immutable value, `abstract_value` what is known of one direction
(a reduced product of interval, congruence and disequalities), `propagation` what a fact
teaches, `justification` which facts an answer rests on, `bounds` and `relational_bounds` what
follows for an expression without search. Imports `domains` and folders before it.
"""

from __future__ import annotations

from shapes.facts.abstract_value import EVERY_SIZE, STATED_BY, Fact
from shapes.facts.bounds import bounds
from shapes.facts.store import Facts
from shapes.facts.verdict import Counterexample, Proof, Status, Verdict

__all__ = [
    "EVERY_SIZE",
    "STATED_BY",
    "Counterexample",
    "Fact",
    "Facts",
    "Proof",
    "Status",
    "Verdict",
    "bounds",
]
