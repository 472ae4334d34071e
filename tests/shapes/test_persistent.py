"""A map that is a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shapes.persistent import PersistentMap

KEYS = st.lists(st.tuples(st.integers(0, 30), st.integers()), max_size=80)


@given(KEYS)
def test_it_is_a_dictionary_that_keeps_its_past(entries: list[tuple[int, int]]) -> None:
    made: PersistentMap[int, int] = PersistentMap()
    plain: dict[int, int] = {}
    past = [(made, dict(plain))]
    for key, value in entries:
        made = made.assoc(key, value)
        plain[key] = value
        past.append((made, dict(plain)))
    for then, expected in past:
        assert dict(then.items()) == expected
        assert all(then.get(k) == v for k, v in expected.items())
        assert then.get(99) is None
        assert 99 not in then
        assert all(k in then for k in expected)


def test_a_look_up_tries_few_layers() -> None:
    made: PersistentMap[int, int] = PersistentMap()
    for i in range(1000):
        made = made.assoc(i, i)
    assert len(made._layers) <= 4
    assert [made.get(i) for i in (0, 500, 999)] == [0, 500, 999]
