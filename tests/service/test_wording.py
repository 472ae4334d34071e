"""Conditions in plain words."""

import pytest

from asserts.work.wording import in_words

CASES = [
    ("n % 8 == 0", "n is a multiple of 8"),
    ("0 == n % 8", "n is a multiple of 8"),
    ("n % 8 != 0", "n is not a multiple of 8"),
    ("2 * n == m or m == 1", "2·n equals m, or m equals 1"),
    ("x.shape[1] == 8", "axis 1 of x equals 8"),
    ("1 <= n <= 5", "n is at least 1 and is at most 5"),
    ("0 < n < m", "n is more than 0 and is less than m"),
    ("2 <= u", "u is at least 2"),
    ("a < b and (c == 1 or c == 2)", "a is less than b and (c equals 1, or c equals 2)"),
    ("not a < b", "it must not be that a is less than b"),
    ("Max(a, b) >= 2", "Max(a, b) is at least 2"),
    ("x is y", "x is y"),
    ("((", "(("),
    ("n\0", "n\0"),
    ("__import__('os').system('true')", "__import__('os').system('true')"),
    ("(" * 300 + "n", "(" * 300 + "n"),
    ("n == " + "1 + " * 5000 + "1", "n == " + "1 + " * 5000 + "1"),
]


@pytest.mark.parametrize(("condition", "words"), CASES)
def test_words(condition: str, words: str) -> None:
    assert in_words(condition) == words
