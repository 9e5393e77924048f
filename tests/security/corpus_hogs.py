"""Cases that want all of the time or the memory: loops, bombs, powers, recursion."""

from __future__ import annotations

from tests.security.case import Case, above, cases, computing, inside

LOOPS = {
    "while-call": inside("while True:\n    x = 1"),
    "while-one": inside("while 1: x = 1"),
    "while-module": above("while True:\n    pass"),
    "while-else": inside("while s.dt:\n    x = 1\nelse:\n    x = 2"),
    "while-array": inside("x = s.upright\nwhile x.any():\n    x = x + 1"),
    "for-range-huge": inside("for i in range(10**18):\n    x = 1"),
    "for-range-large": inside("for i in range(1000000):\n    x = 1"),
    "for-range-65": inside("for i in range(65):\n    x = 1"),
    "for-range-name": inside("n = 5\nfor i in range(n):\n    x = 1"),
    "for-range-negative": inside("for i in range(-5):\n    x = 1"),
    "for-range-step": inside("for i in range(0, 10, 0):\n    x = 1"),
    "for-iter": inside("for x in iter(int, 1):\n    y = 1"),
    "for-count": inside("for x in itertools.count():\n    y = 1"),
    "for-cycle": inside("for x in s.upright:\n    y = 1"),
    "for-string": inside("for x in 'ab' * 10**9:\n    y = 1"),
    "for-module": above("for i in range(3):\n    x = 1"),
    "for-nested-64-64": inside("for a in range(64):\n    for b in range(64):\n        x = s.upright"),
    "for-nested-empty": inside(
        "for a in range(64):\n    for b in range(64):\n        for c in range(64):\n            'x'"
    ),
    "for-nested-deep": inside(
        "x = s.upright\nfor a in range(60):\n    for b in range(60):\n        x = np.exp(x)"
    ),
    "for-else": inside("for i in (1, 2):\n    x = 1\nelse:\n    x = 2"),
    "for-unpack": inside("for a, b in ((1, 2), (3, 4)):\n    x = a"),
    "comprehension-list": computing("[x for x in range(10**9)]"),
    "comprehension-set": computing("{x for x in range(10**9)}"),
    "comprehension-dict": computing("{x: x for x in range(10**9)}"),
    "generator": computing("sum(x for x in range(10**9))"),
    "comprehension-nested": computing("[[[0 for a in range(999)] for b in range(999)] for c in range(999)]"),
    "functions-doubling": above(
        "def f0(x):\n    return x + x\n"
        + "\n".join(f"def f{i}(x):\n    return f{i - 1}(x) + f{i - 1}(x)" for i in range(1, 10))
    ).replace("return s.upright, {'a': s.upright}", "x = f9(f9(f9(s.upright)))\n    return x, {'a': x}"),
    "functions-doubling-empty": above(
        "def f0(x):\n    return x\n"
        + "\n".join(
            f"def f{i}(x):\n    a = f{i - 1}(x)\n    b = f{i - 1}(x)\n    c = f{i - 1}(x)\n    return a"
            for i in range(1, 10)
        )
    ).replace("return s.upright, {'a': s.upright}", "x = f9(s.upright)\n    return x, {'a': x}"),
    "loop-in-functions": above("def f(x):\n    for i in range(64):\n        x = x * x\n    return x").replace(
        "return s.upright, {'a': s.upright}",
        "x = s.upright\n    for i in range(64):\n        x = f(x)\n    return x, {'a': x}",
    ),
}

MEMORY = [
    computing("np.zeros(10**12)"),
    computing("np.ones((10**6, 10**6))"),
    computing("np.empty(10**12)"),
    computing("np.full(10**12, 1.0)"),
    computing("np.arange(10**12)"),
    computing("np.linspace(0, 1, 10**12)"),
    computing("np.eye(10**6)"),
    computing("np.identity(10**6)"),
    computing("np.repeat(s.upright, 10**9)"),
    computing("s.upright.repeat(10**9)"),
    computing("np.tile(s.upright, 10**9)"),
    computing("np.resize(s.upright, 10**12)"),
    computing("s.upright.resize(10**12)"),
    computing("np.pad(s.upright, 10**9)"),
    computing("np.outer(s.upright, s.upright)"),
    computing("np.multiply.outer(s.upright, s.upright)"),
    computing("np.kron(s.joint_angles, s.joint_angles)"),
    computing("np.meshgrid(s.upright, s.upright)"),
    computing("np.broadcast_to(s.upright, (10**9, 3))"),
    computing("np.einsum('i,j->ij', s.upright, s.upright)"),
    computing("s.upright[:, None] * s.upright"),
    computing("s.upright[:, None] * s.upright[None, :]"),
    computing("s.upright[:, None, None] * s.upright"),
    computing("s.upright @ s.upright"),
    computing("np.add.accumulate(s.upright)"),
    computing("'a' * 10**10"),
    computing("'a' 'b' * 1000000000"),
    computing("[0] * 10**10"),
    computing("(0,) * 10**10"),
    computing("[[0] * 10**5] * 10**5"),
    computing("1 << 10**10"),
    computing("(1 << 62) << 62"),
    computing("-1 >> 10**10"),
    computing("pow(9, 10**9)"),
    computing("bytearray(10**10)"),
    computing("bytes(10**10)"),
    computing("list(range(10**10))"),
    computing("tuple(range(10**10))"),
    computing("set(range(10**10))"),
    computing("'{:>9999999999}'.format('x')"),
    computing("f'{1:>9999999999}'"),
    computing("'%9999999999d' % 1"),
    computing("format(1, '>9999999999')"),
    computing("str(10**100000)"),
    computing("int('9' * 10**7)"),
    computing("'x'.join(['y'] * 10**9)"),
    computing("'x'.ljust(10**10)"),
    inside("x = s.joint_angles\nfor i in range(10):\n    x = np.concatenate([x, x], axis=1)"),
    inside("x = s.joint_angles\nfor i in range(10):\n    x = np.stack([x, x, x, x, x, x, x], axis=1)"),
    inside("x = s.joint_angles[:, [" + ", ".join(["0"] * 140) + "]]"),
    inside("x = np.array([" + ", ".join(["1.0"] * 200) + "])"),
    inside("x = s.joint_angles\n" + "\n".join("x = np.exp(np.sin(np.cos(x)))" for _ in range(80))),
    inside("x = {}\n" + "\n".join(f"x['a{i}'] = s.upright" for i in range(30))).replace(
        "{'a': s.upright}", "x"
    ),
]

POWERS = [computing("10 ** 10 ** 10"), computing("9**9**9**9")]
"""Numbers are floating-point numbers: these are infinite at once."""

RECURSION = {
    "itself": "def reward(s):\n    return reward(s)",
    "itself-tuple": "def reward(s):\n    return reward(s), {'a': 1.0}",
    "helper": above("def f(x):\n    return f(x)"),
    "two": above("def f(x):\n    return g(x)\n\ndef g(x):\n    return f(x)"),
    "lambda": inside("f = lambda x: f(x)\nf(1)"),
    "y-combinator": computing("(lambda f: f(f))(lambda f: f(f))"),
    "later": "def reward(s):\n    x = f(s.upright)\n    return x, {'a': x}\n\ndef f(x):\n    return x",
    "as-argument": above("def f(g):\n    return g(g)").replace("s.upright, {", "f(f), {"),
    "stored": above("def f(x):\n    return x\ng = f"),
    "rename": inside("reward = 1.0\nx = reward(s)"),
}

CASES: list[Case] = [
    *cases("loop", LOOPS),
    *cases("memory", MEMORY),
    *cases("power", POWERS, "trial"),
    *cases("recursion", RECURSION),
]
