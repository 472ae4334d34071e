"""Texts that try to keep the engine busy: up to 10 kB each, one table of them.

Each function writes a text of about the given number of characters, which is a condition
over the symbols of `SYMBOLS`. `run` does one thing with it in an environment of its own.
Started as a program (``python -m tests.shapes.attacks SECONDS SIZE ...``) it runs single ones
and prints the processor time of each; ``sweep SECONDS SIZE,... ...`` runs each in a process of
its own, which ends after ten seconds, and lists those that take longer.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from itertools import count

from shapes import ShapeEnv, ShapeproofError, parse, show

SYMBOLS = [f"{c}{i}" for i in range(8) for c in "abcdefghijklmnopqrstuvwxyz"]
SIZE = 9_000


def _filled(piece: Callable[[int], str], joint: str, size: int) -> str:
    """Pieces, as many as there is room for."""
    pieces: list[str] = []
    room = size
    for i in count():
        made = piece(i)
        room -= len(made) + len(joint)
        if room < 0 and pieces:
            return joint.join(pieces)
        pieces.append(made)
    raise AssertionError


def _nested(opened: Callable[[int], str], closed: Callable[[int], str], size: int) -> str:
    text = "a0"
    for i in count():
        made = f"{opened(i)}{text}{closed(i)}"
        if len(made) > size:
            return text
        text = made
    raise AssertionError


def _s(i: int) -> str:
    return SYMBOLS[i * 7 % len(SYMBOLS)]


def _few(i: int) -> str:
    return "abcd"[i * 3 % 4] + "0"


def _deep(before: str, after: str) -> Callable[[int], str]:
    def made(size: int) -> str:
        inside = _nested(
            lambda i: before.replace("@", _few(i)), lambda i: after.replace("@", _few(i)), size
        )
        return f"{inside} <= 7"

    return made


def _long(piece: str, joint: str, end: str = "") -> Callable[[int], str]:
    def made(size: int) -> str:
        def one(i: int) -> str:
            text = (
                piece.replace("@", _s(i)).replace("$", _s(i * i + 3)).replace("#", str(i + 2))
            )
            return text.replace("&&", _few(i)).replace("??", _few(i // 2 + 1))

        return _filled(one, joint, size) + end

    return made


TEXTS: dict[str, Callable[[int], str]] = {
    # every operator inside of itself
    "deep parentheses": _deep("(", " + @)"),
    "deep negation": _deep("-(", ")"),
    "deep minus": _deep("@ - (", ")"),
    "deep product": _deep("@*(", " + 1)"),
    "deep square": _deep("(", "*@ + 1)**2"),
    "deep power": _deep("(", " + @)**3"),
    "deep tower": _deep("@**(", ")"),
    "deep constant tower": _deep("2**(", ")"),
    "deep shift": _deep("(", " << @)"),
    "deep shift of one": _deep("(1 << (", "))"),
    "deep right shift": _deep("(", " >> @)"),
    "deep division": _deep("(", " + @)//3"),
    "deep division by symbols": _deep("(", " + 1)//@"),
    "deep divisor": _deep("@//(", " + 1)"),
    "deep modulo": _deep("(", " + @) % 7"),
    "deep modulo by symbols": _deep("(", " + 1) % @"),
    "deep modulus": _deep("@ % (", " + 1)"),
    "deep ceildiv": _deep("CeilDiv(", " + 1, @)"),
    "deep truncdiv": _deep("TruncDiv(", " - 1, @)"),
    "deep truncmod": _deep("TruncMod(", " - 1, @)"),
    "deep cleandiv": _deep("CleanDiv(", " + @, 2)"),
    "deep min": _deep("Min(", " + 1, @)"),
    "deep max": _deep("Max(2*", ", @ + 3)"),
    "deep min and max": _deep("Min(Max(", " - 1, @), 3*@)"),
    "deep where": _deep("Where(@ > 3, ", " + 1, @)"),
    "deep condition": _deep("Where(", " > @, @, 2*@)"),
    "deep abs": _deep("abs(", " - @)"),
    "deep bits": _deep("((", " & @) | 5)"),
    "deep xor": _deep("(", " ^ @)"),
    "deep invert": _deep("~(", " + @)"),
    "deep not": lambda size: _nested(lambda i: "not (", lambda i: ")", size - 10) + " > 3",
    "deep implies": lambda size: _nested(
        lambda i: f"Implies({_few(i)} > {i}, ", lambda i: " > 0)" if not i else ")", size
    ),
    # many terms
    "sum of symbols": _long("#*@", " + ", " <= 12345"),
    "sum of products": _long("@*$", " + ", " <= 12345"),
    "sum of squares": _long("&&*&&*#", " + ", " <= 12345"),
    "sum of squares of many": _long("@*@", " + ", " <= 12345"),
    "sum of quotients": _long("@//#", " + ", " <= 12345"),
    "sum of remainders": _long("@%#", " + ", " <= 12345"),
    "sum of remainders of few": _long("(&&+#*??)%#", " + ", " <= 12345"),
    "sum of quotients by symbols": _long("@//$", " + ", " == 12345"),
    "sum of minima": _long("Min(@, $, #)", " + ", " <= 12345"),
    "sum of magnitudes": _long("abs(@ - $)", " + ", " <= 12345"),
    "sum of choices": _long("Where(@ > #, $, #)", " + ", " <= 12345"),
    "sum of powers": _long("@**$", " + ", " != 12345"),
    "sum of shifts": _long("(1 << &&*#)", " + ", " != 12345"),
    "sum of bits": _long("(@ & $ | #)", " + ", " != 12345"),
    "product of symbols": _long("@", "*", " != 5"),
    "product of sums": _long("(@ + $ + #)", "*", " != 5"),
    "product of sums of few": _long("(&& + #)", "*", " != 5"),
    "product of two-term sums": _long("(&& + ??)", "*", " % 7 != 3"),
    "product of powers": _long("@**#", "*", " != 5"),
    "product of constants": _long("9**20000", "*", " != a0"),
    "sum of constants": _long("9**20#00", " + ", " != a0"),
    "remainders of constants": _long("(a0 % 9**2#)", " + ", " != a0"),
    "polynomial": lambda size: _long("#*a0**#", " + ", " != 5")(size),
    "polynomial modulo": lambda size: "(" + _long("(a0+#)", "*")(60) + ") % 720 == 0",
    "minimum of many": lambda size: "Min(" + _long("@ + #*$", ", ")(size) + ") <= 3",
    "maximum of quotients": lambda size: "Max(" + _long("(@ + #)//$", ", ")(size) + ") <= 3",
    "chain of quotients": _long("@", "//", " == 3"),
    "chain of remainders": _long("@", " % ", " == 3"),
    "chain of powers": _long("@", "**", " == 3"),
    "chain of shifts": _long("@", " << ", " == 3"),
    "chain of bits": _long("@ + #", " & ", " == 3"),
    "chain of exclusive bits": _long("@*#", " ^ ", " == 3"),
    # many conditions
    "conjunction": _long("@ <= $ + #", " and "),
    "conjunction of sums": _long("@ + $ - 2*&& <= #", " and "),
    "conjunction of few": _long("#*&& <= ??*3 + #", " and "),
    "conjunction of products": _long("@*$ <= #*&&", " and "),
    "conjunction of equalities": _long("@*$ == #*&& + ??", " and "),
    "conjunction of inequalities": _long("&& != #", " and "),
    "conjunction of remainders": _long("@ % # == ??", " and "),
    "disjunction": _long("@ <= $ + #", " or "),
    "disjunction of few": _long("&& + #*?? == #", " or "),
    "disjunction of products": _long("@*$ == #", " or "),
    "alternatives": _long("(@ < # or $ > #)", " and "),
    "alternatives of few": _long("(&& < # or ?? > #)", " and "),
    "cases": _long("(@ < # and $ > #)", " or "),
    "chain of comparisons": _long("@", " <= "),
    "chain of differences": _long("@ + #", " < "),
    "chain of unequals": _long("@", " != "),
    "equivalences": _long("(@ > #)", " == "),
    "implications": _long("Implies(@ > $, $ > &&)", " and "),
    # large numbers
    "huge constant": lambda size: f"a0 <= 0x{'f' * size}",
    "huge factor": lambda size: f"0x{'f' * size}*a0 <= b0*c0",
    "huge divisor": lambda size: (
        f"(a0*b0 + 0x{'e' * (size // 2)}) // 0x{'f' * (size // 2)} <= b0"
    ),
    "huge modulus": lambda size: (
        f"(a0 + b0*0x{'e' * (size // 2)}) % 0x{'f' * (size // 2)} != b0"
    ),
    "huge mask": lambda size: f"a0 & 0x{'a5' * (size // 2)} != b0",
    "huge power": lambda size: f"(0x{'f' * size}*a0)**4000 != 5",
    "huge exponent": lambda size: f"a0**0x{'f' * size} != 5",
    "huge shift": lambda size: f"a0 << 0x{'f' * size} != 5",
    "huge right shift": lambda size: f"a0 >> 0x{'f' * size} != 5",
    "powers of powers": lambda size: "((a0**1000)**1000)**1000 % 7 != (b0**c0)**d0",
    "large quotients": _long("(@ + 9**#) // 7**#", " + ", " != 5"),
    "large coefficients": _long("0xfffffffffffffffffffffffffffffff#*@", " + ", " != 5"),
    "large dense": _long("9**1#*@ + 7**1#*$ - 5**2#*&& <= 3**#", " and "),
    # long and nested in other ways
    "sum of long products": _long("@*$*&&*??*(@ + #)", " + ", " <= 12345"),
    "sum of shifted": _long("(@ << 3) // # + (@ >> 2) % #", " + ", " <= 12345"),
    "sum of nested choices": _long(
        "Where(@ < #, Min(@, $ // 2), Max($, 3*@))", " + ", " <= 9"
    ),
    "sum of rounded": _long("(@ + # - 1)//#*#", " + ", " <= 12345"),
    "sum of products of quotients": _long("(@//#)*($//#)", " + ", " <= 12345"),
    "tower of squares": _deep("((", ")**2 % 97 + @)"),
    "connectives in turn": lambda size: _nested(
        lambda i: f"(not ({_few(i)} > {i} {('and', 'or')[i % 2]} ",
        lambda i: " > 0))" if not i else "))",
        size,
    ),
    "chain of mixed comparisons": _long("@ <= $ + # < 3*@", " < "),
    "one value each": _long("(&& != # or @ == #)", " and "),
    "remainders of one": _long("a0 % # != 1", " and "),
    "equal products": _long("@*$ == $*&&", " and "),
    "quotients in a cycle": _long("@//# <= $ and $//3 <= @ + #", " and "),
    "mixed doubles": _long("ToFloat(@*$)/3.0 < ToFloat($ + #)", " or "),
    # many of other kinds
    "greatest common divisors": _deep("gcd(", " + @, 2*@)"),
    "gcd of many": _long("gcd(@, #*$)", " + ", " <= 12345"),
    "nested modulo of sums": _deep("((", " + #*@) % (@ + 2))".replace("#", "3")),
    "deep min and where": _deep("Min(Where(@ > 3, ", ", 2*@), Max(@, 5))"),
    "alternating connectives": lambda size: _nested(
        lambda i: f"({_s(i)} > {i} {('and', 'or')[i % 2]} ",
        lambda i: " > 0)" if not i else ")",
        size,
    ),
    "equal symbols": _long("@", " == "),
    "equal pairs": _long("@ == $", " and "),
    "equal sums": _long("@ + $ == && + ??", " and "),
    "unequal of many": _long("@ != $", " and "),
    "unequal sums": _long("@ + $ != #", " and "),
    "implications of sums": _long("Implies(@ + $ > #, @*$ > && + #)", " and "),
    "implications in a chain": _long("Implies(@ > #, $ > #)", " == "),
    "products of sums of many": _long("(@ + $)*(&& - ??)", " + ", " <= 12345"),
    "squares of sums": _long("(@ - $)**2", " + ", " >= 0"),
    "squares of sums of few": _long("(&& - #*??)**2", " + ", " >= 0"),
    "powers of sums": _long("(&& + ??)**#", " + ", " != 5"),
    "powers of few": _long("&&**#*??**3", " + ", " != 5"),
    "powers of constants": _long("#**@", " + ", " != 5"),
    "shifts of constants": _long("(# << @)", " + ", " != 5"),
    "remainders of products": _long("(@*$ + #) % (&& + #)", " + ", " != 5"),
    "quotients of products": _long("(@*$)//(&&*??)", " + ", " != 5"),
    "exact quotients": _long("(@*&& + $*&&)//&&", " + ", " != 5"),
    "divisibility": _long("(@ + $) % # == 0", " and "),
    "products in equalities": _long("@*$ == #*#", " and "),
    "squares in equalities": _long("&&*&& - ??*?? == #", " or "),
    "choices of conditions": _long("Where(@ > # and $ < # or @ == $, @, $)", " + ", " <= 5"),
    "long sum in a modulus": lambda size: "a0 % (" + _long("#*@", " + ")(size) + ") == 1",
    "long sum in a quotient": lambda size: (
        "(" + _long("#*@", " + ")(size) + ")//(b0 + 1) <= 7"
    ),
    "long sum squared": lambda size: "(" + _long("#*@", " + ")(size) + ")**2 >= 0",
    "long sums multiplied": lambda size: (
        "(" + _long("#*@", " + ")(size // 2) + ")*(" + _long("@", " - ")(size // 2) + ") >= 0"
    ),
    "long product in a minimum": lambda size: "Min(" + _long("@", "*")(size) + ", a0) <= 7",
    "magnitudes of magnitudes": _long("abs(abs(@ - $) - abs(&& - #))", " + ", " >= 0"),
    "bits of sums": _long("((@ + $) & (&& + #) ^ ??)", " + ", " >= 0"),
    "truncated": _long("TruncDiv(@ - $, #) + TruncMod(@, &&)", " + ", " >= 0"),
    "ceilings": _long("CeilDiv(@ + $, #)*&&", " + ", " >= 0"),
    "comparisons of minima": _long("Min(@, $) <= Max(&&, #)", " and "),
    "comparisons of quotients": _long("@//# == $//#", " or "),
    "equal remainders": _long("@ % # == $ % #", " and "),
    # doubles
    "float sums": _long("ToFloat(@)*0.1 + ToFloat($)/#.0", " + ", " < 1e9"),
    "float conditions": _long("ToFloat(@)/#.0 < 0.1*ToFloat(&&)", " and "),
    "float floors": _long("FloorToInt(ToFloat(@*$)/#.0)", " + ", " <= 12345"),
    "float choices": _long("Where(ToFloat(@) < #.5, 0.5, ToFloat($))", " + ", " < 1e9"),
    "doubles": _long("ToFloat(@)*0.5", " + ", " < 1e9"),
    "deep doubles": _deep("FloorToInt(ToFloat(", ")/3.0)"),
}


def environment(text: str) -> ShapeEnv:
    """The symbols of a text: some of any sign, some sizes, some within ranges."""
    env = ShapeEnv()
    for i, name in enumerate(SYMBOLS):
        if name not in text and name not in ("a0", "b0", "c0", "d0"):
            continue
        kind = i % 4
        if kind == 0:
            env.integer(name, min=0, max=10**18)
        elif kind == 1:
            env.size(name)
        elif kind == 2:
            env.integer(name, min=-50, max=50)
        else:
            env.integer(name)
    return env


def _side(text: str) -> str:
    """The left side of a comparison at the end."""
    for relation in (" <= ", " != ", " == ", " < ", " > "):
        if text.count(relation) == 1 and " and " not in text and " or " not in text:
            return text.split(relation)[0]
    return f"Where({text}, a0*b0, c0)"


def _save(env: ShapeEnv, text: str) -> None:
    env.assume(text)
    ShapeEnv.from_json(env.to_json())


def _guard(env: ShapeEnv, text: str) -> None:
    env.check(text)
    function = env.guard_function()
    with contextlib.suppress(ShapeproofError):
        function(dict.fromkeys(env.symbols, 3))


def _explain(env: ShapeEnv, text: str) -> None:
    verdict = env.prove(text, effort="quick")
    assert verdict.explain()
    assert repr(verdict)


def _known(env: ShapeEnv, text: str) -> None:
    env.assume(text)
    env.assume("a0 + b0 <= c0*d0")
    env.prove("a0 + c0 >= b0 - d0")
    env.bounds("a0 + 2*c0")


def _told(env: ShapeEnv, text: str) -> None:
    """A check in the program, within a scope, and a question about a part of it."""
    with env.scope():
        env.check(text, "a message")
        env.decide("a0 <= b0")
    env.check(text)
    assert env.checks


def _compiled(env: ShapeEnv, text: str) -> None:
    env.assume(text)
    assert env.axioms
    repr(env.guards)
    str(env)


def _copied(env: ShapeEnv, text: str) -> None:
    env.check(text)
    copy = ShapeEnv.from_json(env.to_json())
    copy.prove("a0 + b0 <= c0")


def _given(env: ShapeEnv, text: str) -> None:
    env.prove("a0 + b0 <= c0 + d0", given=[text])


def _explained(env: ShapeEnv, text: str) -> None:
    str(env.explain_bounds(_side(text)))


def _shown(env: ShapeEnv, text: str) -> None:
    expr = env.spelled(text).expr
    repr(expr)
    text = show(expr)
    if len(text) <= SIZE:  # what is shared may be written out many times
        parse(text)


ACTIONS: dict[str, Callable[[ShapeEnv, str], object]] = {
    "parse": lambda env, text: env.spelled(text),
    "show": _shown,
    "prove": lambda env, text: env.prove(text),
    "decide": lambda env, text: env.decide(text),
    "bounds": lambda env, text: env.bounds(_side(text)),
    "exact": lambda env, text: env.bounds(_side(text), effort="exact"),
    "congruence": lambda env, text: env.congruence(_side(text)),
    "simplify": lambda env, text: env.simplify(text),
    "suggest": lambda env, text: env.suggest(text),
    "assume": lambda env, text: env.assume(text),
    "known": _known,
    "fits": lambda env, text: env.fits_int64(_side(text)),
    "explain": _explain,
    "save": _save,
    "guard": _guard,
    "smtlib": lambda env, text: env.smtlib(text),
    "check": _told,
    "axioms": _compiled,
    "copy": _copied,
    "given": _given,
    "explain bounds": _explained,
}


def run(name: str, action: str, size: int = SIZE) -> float:
    """Do one thing with one text: the seconds of processor time. What the engine refuses with
    an error of its own is an answer too."""
    text = TEXTS[name](size)
    env = environment(text)
    start = time.process_time()
    with contextlib.suppress(ShapeproofError):
        ACTIONS[action](env, text)
    return time.process_time() - start


def _apart(name: str, action: str, size: int, seconds: int) -> float | str:
    """As `run`, in a process of its own that ends after so many seconds of processor time: the
    seconds, or what went wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        try:
            answer = f"{run(name, action, size):.3f}"
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"[:200]
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    try:
        return float(answer)
    except ValueError:
        return answer


def sweep(arguments: list[str]) -> None:
    """``SECONDS SIZE,... [ACTION,... [NAME,...]]``: those that take longer, or fail."""
    limit, sizes = float(arguments[0]), [int(size) for size in arguments[1].split(",")]
    actions = arguments[2].split(",") if len(arguments) > 2 else list(ACTIONS)
    names = arguments[3].split(",") if len(arguments) > 3 else list(TEXTS)
    environment("a0").prove("a0*b0 <= c0")  # loads the solvers, which every child then has
    tried = 0
    for action in actions:
        for name in names:
            for size in sizes:
                spent = _apart(name, action, size, 10)
                tried += 1
                if isinstance(spent, str) or spent > limit:
                    print(f"{action}: {name}: {size}: {spent}", flush=True)
        print(f"{tried} questions, up to {action}", flush=True)


def main(arguments: list[str]) -> None:
    """``SECONDS SIZE [ACTION,... [NAME,...]]``: all of these, each printed with its time; the
    process ends when one takes more processor time than that."""
    limit, size = int(arguments[0]), int(arguments[1])
    actions = arguments[2].split(",") if len(arguments) > 2 else list(ACTIONS)
    names = arguments[3].split(",") if len(arguments) > 3 else list(TEXTS)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    for action in actions:
        for name in names:
            print(f"{action}: {name}", end=" ", flush=True)
            spent = int(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (spent + limit + 1, hard))
            print(f"{run(name, action, size):.2f}", flush=True)


if __name__ == "__main__":
    (sweep if sys.argv[1:2] == ["sweep"] else main)(
        [argument for argument in sys.argv[1:] if argument != "sweep"]
    )
