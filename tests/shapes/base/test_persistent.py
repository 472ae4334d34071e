"""A map that is a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shapes.base.persistent import FEW, WAITING, FirstValues, PersistentLists, PersistentMap

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


@given(KEYS)
def test_a_first_value_stays(entries: list[tuple[int, int]]) -> None:
    made: FirstValues[int, int] = FirstValues()
    plain: dict[int, int] = {}
    past = [(made, dict(plain))]
    for key, value in entries:
        made = made.adding(key, value)
        plain.setdefault(key, value)
        past.append((made, dict(plain)))
        if value % 5 == 0:
            assert made.get(key) == plain[key]  # read in between, or not
    for then, expected in past[::-1]:
        assert {k: then.get(k) for k in range(31)} == {k: expected.get(k) for k in range(31)}


LISTS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), max_size=3, unique=True), st.integers(0, 300)),
    max_size=80,
)


@given(LISTS, st.integers(1, 9))
def test_lists_by_key_keep_their_past(
    entries: list[tuple[list[int], int]], read: int
) -> None:
    made: PersistentLists[int, object] = PersistentLists()
    plain: dict[int, list[object]] = {}
    past = [(made, dict(plain))]
    items = [object() for _ in range(301)]
    for count, (keys, item) in enumerate(entries):
        made = made.adding(keys, items[item])
        for key in keys:
            old = plain.get(key, [])
            if items[item] not in old[:FEW]:
                plain[key] = [items[item], *old]
        past.append((made, dict(plain)))
        if count % read == 0:
            made.get(0)
    for then, expected in past[::-1]:
        assert {k: list(then.items_of(k)) for k in range(6)} == {
            k: expected.get(k, []) for k in range(6)
        }


def test_branches_of_one_value_do_not_see_each_other() -> None:
    made: PersistentLists[str, int] = PersistentLists()
    for i in range(WAITING):
        made = made.adding(("a", "b"), i)
    one, two = made.adding(("a",), 100), made.adding(("b",), 200)
    assert next(one.items_of("a")) == 100
    assert next(two.items_of("b")) == 200
    assert list(made.items_of("a")) == list(two.items_of("a")) == list(range(WAITING))[::-1]
    assert list(made.items_of("b")) == list(one.items_of("b"))


def test_what_waits_is_settled_in_time() -> None:
    made: PersistentLists[int, int] = PersistentLists()
    values: FirstValues[int, int] = FirstValues()
    for i in range(1000):
        made = made.adding((i,), i)
        values = values.adding(i, i)
        assert made._state[2] <= WAITING
        assert values._state[2] <= WAITING
    assert [next(made.items_of(i)) for i in (0, 999)] == [0, 999]
    assert [values.get(i) for i in (0, 999, 1000)] == [0, 999, None]


def test_many_keys_at_once() -> None:
    made: PersistentMap[int, int] = PersistentMap()
    made = made.with_all({i: i for i in range(100)}).with_all({5: 6, 200: 1}).assoc(7, 8)
    assert [made.get(i) for i in (4, 5, 7, 200, 201)] == [4, 6, 8, 1, None]
    assert dict(made.items()) == {**{i: i for i in range(100)}, 5: 6, 200: 1, 7: 8}


@given(KEYS, KEYS)
def test_open_maps_say_what_values_say(
    before: list[tuple[int, int]], more: list[tuple[int, int]]
) -> None:
    plain: PersistentMap[int, int] = PersistentMap()
    first: FirstValues[int, int] = FirstValues()
    lists: PersistentLists[int, int] = PersistentLists()
    for key, value in before:
        plain, first = plain.assoc(key, value), first.adding(key, value)
        lists = lists.adding((key,), value)
    past = [(m, [m.get(k) for k in range(31)]) for m in (plain, first, lists)]  # type: ignore[attr-defined]
    own, own_first, own_lists = plain.opened(), first.opened(), lists.opened()
    for key, value in more:
        plain, first = plain.assoc(key, value), first.adding(key, value)
        lists = lists.adding((key, key % 3), value)
        own, own_first = own.assoc(key, value), own_first.adding(key, value)
        own_lists = own_lists.adding((key, key % 3), value)
        if value % 5 == 0:
            assert own.get(key) == plain.get(key)
            assert own_first.get(key) == first.get(key)
            assert own_lists.get(key) == lists.get(key)
    for made, expected in (
        (own.closed(), plain), (own_first.closed(), first), (own_lists.closed(), lists)
    ):  # fmt: skip
        assert [made.get(k) for k in range(31)] == [expected.get(k) for k in range(31)]  # type: ignore[attr-defined]
    assert dict(own.closed().items()) == dict(plain.items())
    for then, expected_then in past:
        assert [then.get(k) for k in range(31)] == expected_then  # type: ignore[attr-defined]
