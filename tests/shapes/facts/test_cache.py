"""Answers that are kept with facts: typed parts, each with a limit of its own."""

from __future__ import annotations

import gc
import weakref

from shapes import symbol
from shapes.arith import system
from shapes.facts import intervals
from shapes.facts.bounds import _BOUNDS, _CONGRUENCES, bounds
from shapes.facts.cache import Part
from shapes.facts.store import Facts
from shapes.prove import vicinity
from shapes.prove.ladder import entails, prove
from shapes.witness import search

x, y, z = symbol("cache_x"), symbol("cache_y"), symbol("cache_z")


def test_a_full_part_is_emptied_and_no_other() -> None:
    few: Part[int, str] = Part("few", 3)
    other: Part[int, str] = Part("other", 100)
    known = Facts()
    for n in range(10):
        few.of(known)[n] = str(n)
        other.of(known)[n] = str(n)
    assert len(few.of(known)) <= 4
    assert len(other.of(known)) == 10


def test_ranges_do_not_displace_models_or_components() -> None:
    known = Facts().given(x >= 1, x + y <= 9, y + z >= 3)
    assert entails(known, x - z <= 6) is not None
    assert prove(known, x <= 5).counterexample is not None
    models = search.models_of(known)
    components = dict(system._COMPONENTS.of(known))
    assert components
    for n in range(_BOUNDS.limit + 50):
        bounds(known, x + 3 * n)
    assert len(_BOUNDS.of(known)) <= _BOUNDS.limit + 1
    assert search.models_of(known) is models
    assert system._COMPONENTS.of(known) == components


def test_every_part_has_a_limit_and_a_name_of_its_own() -> None:
    parts = [
        _BOUNDS,
        _CONGRUENCES,
        intervals._ENDS,
        intervals._RANGES,
        search._MODELS,
        system._COMPONENTS,
        vicinity._GROUNDS,
    ]
    assert all(part.limit > 0 for part in parts)
    assert len({part.name for part in parts}) == len(parts)


def test_answers_belong_to_one_set_of_facts_and_go_with_it() -> None:
    class Answer:
        """Something that can be watched."""

    part: Part[int, Answer] = Part("answers", 5)
    known = Facts().given(x >= 1)
    part.of(known)[1] = answer = Answer()
    assert not part.of(known.given(y >= 1))
    gone = weakref.ref(answer)
    del answer, known
    gc.collect()
    assert gone() is None
