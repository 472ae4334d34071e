"""Index arithmetic as compilers write it comes back in its short form.

Idioms of TVM, Halide, Triton and MLIR's affine maps: flattened loops, tiles with padding,
im2col, packed layouts, swizzles, rounding up, wrapping around. Each line is
``DECLARATIONS; FACTS |- EXPRESSION => SHORT``, judged by values of the symbols besides.
"""

from __future__ import annotations

import random

import pytest

from shapes.errors import UndefinedError
from shapes.expr.nodes import Expr
from shapes.traversal.evaluate import evaluate
from tests.bounds_gap import Asked, read, stated

FORMS = """
i in 0..7; j in 0..15 |- (i*16 + j)//16 => i
xo in 0..; e in 8.. |- Min(xo*8, e - 8) + 8 - Min(xo*8 + 8, e) => 0
x in 0..; s in 1.. |- Where(x % (2*s) < s, x % (2*s), x % (2*s) - s) => x % s
b in 0..; s in 0..; h in 0..; d in 0..63; H, S in 1..; h < H; s < S |- (((b*S + s)*H + h)*64 + d)//(64*H) % S => s
b in 0..; s in 0..; h in 0..; d in 0..63; H, S in 1..; h < H; s < S |- (((b*S + s)*H + h)*64 + d)//(64*H*S) => b
b in 0..; s in 0..; h in 0..; d in 0..63; H, S in 1..; h < H; s < S |- (((b*S + s)*H + h)*64 + d) % (64*H) => 64*h + d
i in 0..; j in 0..; k in 0..7; n in 1..; j < n |- (i*(8*n) + j*8 + k)//(8*n)*8 + (i*(8*n) + j*8 + k) % 8 => 8*i + k
i in 0..; j in 0..; k in 0..7; n in 1..; j < n |- ((i*(8*n) + j*8 + k) % (8*n))//8 => j
n in 1..; b, i in 0..; r in 0..3; n % 4 == 0; i < n//4 |- (i*4 + r)//n => 0
n in 1..; b, i in 0..; r in 0..3; n % 4 == 0; i < n//4 |- (b*n + i*4 + r)//n => b
n in 1..; b, i in 0..; r in 0..3; n % 4 == 0; i < n//4 |- (b*n + i*4 + r) % n => 4*i + r
n in 1..; b, i in 0..; r in 0..3; n % 4 == 0; i < n//4 |- (b*n + i*4 + r)//4 % (n//4) => i
c in 0..; h in 0..; w in 0..; H, W in 1..; h < H; w < W |- (((c//16*H + h)*W + w)*16 + c % 16)//(16*W) % H => h
c in 0..; h in 0..; w in 0..; H, W in 1..; h < H; w < W |- (((c//16*H + h)*W + w)*16 + c % 16)//(16*W*H) => c//16
i in 0..7; j in 0..15 |- (i*16 + j) % 16 => j
x in .. |- (x//4)//8 => x//32
x in .. |- (x % 32)//4 => x//4 % 8
x in .. |- (x//4) % 8 * 4 + x % 4 => x % 32
x in .. |- x//32*32 + (x//4) % 8 * 4 + x % 4 => x
x in 0..31 |- x//4 % 8 => x//4
x in 0..1023 |- (x//32)*32 + x % 32 => x
i in 0..3; j in 0..3; k in 0..63 |- ((i*4 + j)*64 + k)//64 % 4 => j
i in 0..3; j in 0..3; k in 0..63 |- ((i*4 + j)*64 + k) % 256 // 64 => j
i in 0..; j in 0..; k in 0..; j < n; k < m; n >= 1; m >= 1 |- ((i*n + j)*m + k)//m % n => j
i in 0..; j in 0..; k in 0..; j < n; k < m; n >= 1; m >= 1 |- ((i*n + j)*m + k)//(n*m) => i
i in 0..; j in 0..; k in 0..; j < n; k < m; n >= 1; m >= 1 |- ((i*n + j)*m + k) % (n*m) => j*m + k
x in ..; n in 1..; m in 1.. |- (x//m)//n*n*m + (x//m) % n*m + x % m => x
x in ..; n in 1..; m in 1.. |- (x % (n*m)) % m => x % m
x in .. |- (x % 12) % 4 => x % 4
x in .. |- (x % 64) % 16 => x % 16
x in .. |- (x % 64) // 16 * 16 + x % 16 => x % 64
a, b in .. |- (a*64 + b*8)//8 => 8*a + b
a, b in .. |- (a*64 + b*8) % 8 => 0
a, b in .. |- (a*12 + b*8)//4 => 3*a + 2*b
a, b in .. |- (a*12 + b*8) % 4 => 0
x in .. |- (8*x + 4)//8 => x
x in .. |- (8*x + 12)//8 => x + 1
x in .. |- (8*x + 12) % 8 => 4
x, y in 0..7 |- (x*8 + y)//4 => 2*x + y//4
x, y in 0..7 |- (x*8 + y) % 4 => y % 4
x in .. |- (x*8 + 3)//4 => 2*x
x in .. |- CeilDiv(x*8, 4) => 2*x
x in .. |- CeilDiv(x*8 + 1, 8) => x + 1
n in 1.. |- (n + 127)//128*128 - n => -n % 128
n in ..; n % 128 == 0 |- (n + 127)//128*128 => n
n in ..; n % 128 == 0 |- CeilDiv(n, 128)*128 => n
n in ..; n % 128 == 0 |- CeilDiv(n, 64)*64 => n
n in ..; n % 128 == 0 |- (n//64)//2*128 => n
n in ..; n % 128 == 0 |- n//64 % 2 => 0
n in 1..; d in 1..; n % d == 0 |- n//d*d => n
n in 1..; d in 1..; n % d == 0 |- CeilDiv(n, d)*d => n
i in 0..; j in 0..; n, d in 1..; n % d == 0; i < n//d; j < d |- (i*d + j)//d => i
i in 0..; j in 0..; n, d in 1..; n % d == 0; i < n//d; j < d |- (i*d + j) % d => j
x in 0..; n in 1..; x < n |- Min(x, n - 1) => x
x in 0..; n in 1..; x < n |- Max(x, 0) => x
x in 0..; n in 1..; x < n |- x % n => x
x in 0..; n in 1..; x < n |- (x + n) % n => x
x in 0..; n in 1..; x < n |- (x + 2*n)//n => 2
x in 0..; n in 1..; x < n |- (x - n) % n => x
x in 0..; n in 1..; x < n |- (n - 1 - x) % n => n - 1 - x
x in 0..; n in 1..; x < n |- (n - x - 1)//n => 0
oh in 0..27; kh in 0..2 |- (oh*2 + kh - oh*2)//3 => 0
oh in 0..27; ow in 0..27; c in 0..15 |- ((c*28 + oh)*28 + ow)//28 % 28 => oh
oh in 0..27; ow in 0..27; c in 0..15 |- ((c*28 + oh)*28 + ow)//784 => c
oh in 0..27; ow in 0..27; c in 0..15 |- ((c*28 + oh)*28 + ow) % 784 // 28 => oh
oh in 0..27; ow in 0..27; c in 0..15 |- ((c*28 + oh)*28 + ow) % 28 => ow
p in 0..783; r in 0..8 |- p//28 + r//3 - (p//28 + r//3)//30*30 => p//28 + r//3
w, p in 0..; k, s in 1.. |- (s*w + k - k)//s => w
n in 0..; h in 0..; w in 0..; c in 0..; H, W, C in 1..; h < H; w < W; c < C |- (((n*H + h)*W + w)*C + c)//C % W => w
n in 0..; h in 0..; w in 0..; c in 0..; H, W, C in 1..; h < H; w < W; c < C |- (((n*H + h)*W + w)*C + c)//(C*W) % H => h
n in 0..; h in 0..; w in 0..; c in 0..; H, W, C in 1..; h < H; w < W; c < C |- (((n*H + h)*W + w)*C + c) % (H*W*C) // (W*C) => h
n in 0..; h in 0..; w in 0..; c in 0..; H, W, C in 1..; h < H; w < W; c < C |- (((n*H + h)*W + w)*C + c) % C => c
n in 0..; h in 0..; w in 0..; c in 0..; H, W, C in 1..; h < H; w < W; c < C |- (((n*H + h)*W + w)*C + c)//(H*W*C) => n
pid in 0..; m, n, g in 1.. |- pid // (g*n) * g + (pid % (g*n)) % g => pid//(g*n)*g + pid % g
pid in 0..; g, n in 1.. |- (pid % (g*n)) // g => pid//g % n
x in .. |- (x & 7) | ((x >> 3) << 3) => x
x in .. |- (x >> 3) << 3 => x//8*8
x in .. |- x & 31 => x % 32
x in 0..63 |- x & 63 => x
x in 0..255 |- (x >> 4) * 16 + (x & 15) => x
x, y in 0..7 |- (x ^ y) ^ y => x
x, y in 0..7 |- (x ^ y) ^ x => y
x in 0..7; y in 0..3 |- ((x*4) | y)//4 => x
x in 0..7; y in 0..3 |- ((x << 2) | y) & 3 => y
x in 0..7; y in 0..3 |- ((x << 2) | y) >> 2 => x
x in 0..63 |- (x//8 ^ x % 8) ^ (x % 8) => x//8
r in 0..7; c in 0..7 |- (r*8 + (c ^ r))//8 => r
r in 0..7; c in 0..7 |- (r*8 + (c ^ r)) % 8 ^ r => c
x in 0..127 |- x//32*32 + x//8 % 4*8 + x//4 % 2*4 + x % 4 => x
x in 0..127 |- x % 4 + x//4 % 8*4 + x//32*32 => x
x in 0..127; k in 0..3 |- (x*4 + k)//4//32 => x//32
x in 0..127; k in 0..3 |- (x*4 + k) % 128 // 4 => x % 32
x in 0..127; k in 0..3 |- ((x*4 + k)//16) % 8 => x//4 % 8
i in 0..; n in 1..; t in 1..; i < n |- Min(i//t*t + t, n) - i//t*t => Min(n - i//t*t, t)
n in 0..; t in 1.. |- Min(n//t*t, n) => n//t*t
n in 0..; t in 1.. |- Max(CeilDiv(n, t)*t, n) => CeilDiv(n, t)*t
n in 0..; t in 1.. |- (CeilDiv(n, t)*t)//t => CeilDiv(n, t)
n in 0..; t in 1.. |- (CeilDiv(n, t)*t) % t => 0
n in 1..; t in 1.. |- (n - 1)//t + 1 - CeilDiv(n, t) => 0
n in 1..; t in 1.. |- (n + t - 1)//t - CeilDiv(n, t) => 0
n in 0..; t in 1.. |- n//t*t + n % t => n
n in 0..; t in 1.. |- n - n//t*t => n % t
n in 0..; t in 1.. |- n - n % t => n//t*t
n in 0..; t in 1.. |- (n - n % t)//t => n//t
n in 0..; t in 1.. |- (n - n % t) % t => 0
n in 0..; t in 1.. |- (n % t)//t => 0
i in .. |- (i*4 + 3)//4 - i => 0
i in .. |- (i + 3)//4 + (i + 2)//4 + (i + 1)//4 + i//4 => i
i in .. |- (i + 1)//2 + i//2 => i
i in .. |- i % 4 + i//4*4 - i => 0
i in 0.. |- (i//3*3 + i % 3)//5 => i//5
x in 0..; s in 1.. |- (x*s)//s => x
x in 0..; s in 1.. |- (x*s) % s => 0
x in 0..; y in 0..; s in 1.. |- (x*s + y)//s => x + y//s
x in 0..; y in 0..; s in 1.. |- (x*s + y) % s => y % s
x in ..; s, t in 1.. |- (x*s)//(s*t) => x//t
x in ..; s, t in 1.. |- (x*s) % (s*t) => x % t*s
x in ..; s, t in 1.. |- (x*s*t)//s % t => 0
x in .. |- (x*6)//4 => x*3//2
x in .. |- (x*6) % 4 => 2*(x % 2)
x in .. |- (x*4) % 12 // 4 => x % 3
x in .. |- (x*4)//12 => x//3
x in .. |- (x*4 + 2)//12 => x//3
x in .. |- (x*4 + 2) % 12 => 4*(x % 3) + 2
x, y in .. |- (x*4 + y % 4)//4 => x
x, y in .. |- (x*4 + y % 4) % 4 => y % 4
x, y in .. |- (x*4 + y % 4)//8 => x//2
x, y in .. |- (x*4 + y % 4) % 8 => x % 2*4 + y % 4
x, y in .. |- (x*16 + y % 16)//4 % 4 => y//4 % 4
x, y in .. |- (x % 8*8 + y % 8)//8 => x % 8
x, y in .. |- (x % 8*8 + y % 8)//16 => x//2 % 4
x in ..; b in 0..1 |- (2*x + b)//2 => x
x in ..; b in 0..1 |- (2*x + b) % 2 => b
n in .. |- (n + 1)*n//2*2 => n*n + n
n in .. |- (n*n + n) % 2 => 0
n in 0..; w in 0..; h in 0..; W, H in 1..; w < W; h < H |- ((h//2*2 + h % 2)*W + w)//W => h
i in 0..; o in 0..; t, N in 1..; N % t == 0; o < N//t; i < t |- (o*t + i)//N => 0
i in 0..; o in 0..; t, N in 1..; N % t == 0; o < N//t; i < t |- (o*t + i) % N => o*t + i
i in 0..; o in 0..; t, N in 1..; N % t == 0; o < N//t; i < t; b in 0.. |- (b*N + o*t + i)//N => b
i in 0..; o in 0..; t, N in 1..; N % t == 0; o < N//t; i < t; b in 0.. |- (b*N + o*t + i) % N // t => o
i in 0..; o in 0..; t, N in 1..; N % t == 0; o < N//t; i < t; b in 0.. |- (b*N + o*t + i) % t => i
i in 0..; o in 0..; t, q in 1..; o < q; i < t; b in 0.. |- (b*(q*t) + o*t + i)//t % q => o
s in 1..; H in 1..; W in 1.. |- (s*H*W)//(H*W) => s
s in 1..; H in 1..; W in 1.. |- (s*H*W)//H//W => s
s in 1..; H in 1..; W in 1.. |- (s*(H*W))//(s*W) => H
B in 1..; S in 1..; D in 1..; D % 8 == 0 |- (B*S*D)//8*8 => B*S*D
B in 1..; S in 1..; D in 1..; D % 8 == 0 |- (B*S*D)//(D//8)//8 => B*S
B in 1..; S in 1..; D in 1..; D % 8 == 0 |- B*S*(D//8)*8 => B*S*D
L in 1..; p in 0..; k, s, d in 1.. |- (L + 2*p - d*(k - 1) - 1)//s + 1 => (L + 2*p - d*(k - 1) - 1)//s + 1
L in 1..; s in 1.. |- (L - 1)*s + 1 + s - 1 => L*s
L in 1..; s in 1.. |- ((L*s) - s)//s + 1 => L
L in 1..; k in 1.. |- (L + k - 1) - k + 1 => L
x in .. |- -(-x//4) => CeilDiv(x, 4)
x in .. |- -(-x//4)*4 - x => -x % 4
x in .. |- x + (4 - x % 4) % 4 => CeilDiv(x, 4)*4
x, n in 0..; n >= 1 |- Where(x < n, x, x % n) => x % n
x in 0..; n in 1..; x < 2*n |- Where(x >= n, x - n, x) => x % n
x in 0..63 |- Where(x < 32, x, x - 32) => x % 32
x in .. |- Where(x % 4 == 0, x, x + 4 - x % 4) => CeilDiv(x, 4)*4
x in .. |- Where(x % 4 > 0, x + 4 - x % 4, x) => CeilDiv(x, 4)*4
x in .. |- Where(x % 4 == 0, 0, 4 - x % 4) => -x % 4
x in ..; n in 1.. |- Where(x % n == 0, x//n, x//n + 1) => CeilDiv(x, n)
i, j in 0..; n in 1..; i < n; j < n |- Where(i + j >= n, i + j - n, i + j) => (i + j) % n
i, j in 0..; n in 1..; i < n; j < n |- Where(i < j, i - j + n, i - j) => (i - j) % n
m in 0..127; k in 0..63 |- (m//16*4 + k//16)*256 + m % 16*16 + k % 16 - (m//16*1024 + k//16*256) => m % 16*16 + k % 16
m in 0..127; k in 0..63 |- ((m//16*4 + k//16)*256 + m % 16*16 + k % 16)//1024 => m//16
m in 0..127; k in 0..63 |- ((m//16*4 + k//16)*256 + m % 16*16 + k % 16)//256 % 4 => k//16
m in 0..127; k in 0..63 |- ((m//16*4 + k//16)*256 + m % 16*16 + k % 16)//16 % 16 => m % 16
m in 0..127; k in 0..63 |- ((m//16*4 + k//16)*256 + m % 16*16 + k % 16) % 16 => k % 16
m in 0..127; k in 0..63 |- ((m//16*4 + k//16)*256 + m % 16*16 + k % 16)//1024*16 + ((m//16*4 + k//16)*256 + m % 16*16 + k % 16)//16 % 16 => m
""".strip().splitlines()

TRIES = 3_000
WANTED = 12
SPREAD = 24
"""Values of a symbol without an end."""


def _value(draw: random.Random, low: object, high: object) -> int:
    spread = draw.choice((3, SPREAD))
    first = (
        low if isinstance(low, int) else (high - spread if isinstance(high, int) else -spread)
    )
    last = high if isinstance(high, int) else first + (1 + (low != first)) * spread
    return draw.randint(first, last)


def same_values(asked: Asked, facts: list[Expr], before: Expr, after: Expr) -> int:
    """At how many random places, where the facts hold, both have been seen to be equal."""
    draw, seen = random.Random(str(asked)), 0
    for _ in range(TRIES):
        values = {n: _value(draw, *ends) for n, ends in asked.symbols if ends is not None}
        try:
            if not all(evaluate(fact, values) for fact in facts):
                continue
        except UndefinedError:
            continue
        assert evaluate(before, values) == evaluate(after, values), (str(asked), values)
        seen += 1
        if seen == WANTED:
            break
    return seen


@pytest.mark.parametrize("line", FORMS)
def test_form(line: str) -> None:
    question, _, short = line.partition("=>")
    asked = read("index", question)
    env = stated(asked)
    before, wanted = (env.spelled(text.strip()).expr for text in (asked.expression, short))
    facts = [env.spelled(fact).expr for fact in asked.facts]
    assert same_values(asked, facts, before, wanted) == WANTED

    found = env.spelled(env.simplify(asked.expression)).expr

    assert found is wanted, str(found)


@pytest.mark.parametrize("line", FORMS)
def test_form_is_proved(line: str) -> None:
    question, _, short = line.partition("=>")
    asked = read("index", question)
    verdict = stated(asked).prove(f"{asked.expression.strip()} == {short.strip()}")
    assert verdict.proved, verdict
