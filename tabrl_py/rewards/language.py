"""The rules of reward code in words; docs/rewards.md and the designer's prompt are made of them."""

from tabrl_py.rewards.compiled import MOST_TERMS
from tabrl_py.rewards.fields import describe_state
from tabrl_py.rewards.fitness import FITNESS
from tabrl_py.rewards.frame import MOST_COLUMNS_IN_ALL, MOST_OPERATIONS
from tabrl_py.rewards.syntax import MOST_CHARACTERS, MOST_TURNS
from tabrl_py.rewards.terms import describe_terms
from tabrl_py.rewards.trial import RECORDED
from tabrl_py.rewards.vocabulary import METHODS, NUMBERS, NUMPY
from tabrl_py.tasks import get_task

EXAMPLE = '''\
TARGET = 1.4


def reward(s):
    """Walk forward, upright, without waste."""
    speed = np.clip(s.com_velocity[:, 0], -TARGET, TARGET)
    fast_joints = np.mean(np.abs(s.joint_speeds), axis=1) > 3.0
    terms = {
        "alive": 1.0 * alive(s),
        "forward": 4.0 * speed,
        "tilt": -6.0 * tilt(s),
        "gait": 2.0 * in_time(s, 0.64),
        "effort": -0.05 * effort(s),
        "frantic": np.where(fast_joints, -0.2, 0.0),
    }
    return sum(terms.values()), terms
'''
"""A sound reward of the house robot; a test compiles it."""


_RULES = f"""\
Code defines `reward(s)` and returns `total, terms`. It is called for all environments at once: a value is a
number, one number per environment `(N,)`, or k numbers per environment `(N, k)`. `total` is `(N,)`; `terms`
is a dict of 1 to {MOST_TERMS} named parts, `(N,)` or a number each, weights included, whose sum is the total.

- Nothing is imported: `np` (the functions below) and the library of terms are there.
- An environment is rewarded by itself: columns are taken with `x[:, 0]`, `x[:, 1:3]`, `x[:, [0, 2]]`, a new
  axis with `x[:, None]`; functions that combine take `axis=1`. `(N,)` and `(N, k)` do not fit each other.
- There is no `if`, `and`, `or`, `not`: write `np.where(a > b, x, y)`, and `&`, `|`, `~` with each comparison
  in parentheses. In arithmetic true counts as 1.0 and false as 0.0.
- Statements: `name = ...`, `a, b = ...`, `name += ...`, `terms['name'] = ...`, `for x in (...)` or
  `for i in range(number)` with at most {MOST_TURNS} turns, `return` at the end.
- Functions of your own stand above the one that calls them; numbers may stand outside functions.
- No annotations, classes, lambdas, comprehensions, exceptions, f-strings; no names that begin with `_`.
- Nothing is kept between calls, and arrays are never written into.
- At most {MOST_CHARACTERS} characters, and in a call {MOST_OPERATIONS} operations and {MOST_COLUMNS_IN_ALL}
  numbers per environment. A usual reward needs some 50 operations.
- A reward that is not finite counts as 0 and is counted; keep logarithms, roots and quotients where they have
  a value.

`np`: {", ".join(sorted(NUMPY))}; {", ".join(NUMBERS)}.
Arrays: {", ".join(sorted(METHODS))}, `astype(float)`.
Beside them `sum(terms.values())`, `sum([a, b])`, `abs(x)`."""

_TRUST = f"""\
1. `rewards/syntax.py` admits a list of Python's syntax and bounds every size. Errors name line and rule.
2. `rewards/compiled.py` makes no Python code of it. The tree is carried out operation by operation, each out
   of a table, on numbers and arrays alone; nothing in it can name a file, a module or an object of Python. No
   operation mixes environments, asks for memory by a size, or writes into an array.
3. `rewards/trial.py` calls it on {RECORDED} recorded control steps before any training step: finite, the same
   twice, the state unchanged, the sum of its terms, its time.
4. A worker that runs it has no key, and gives up network, storage, other workers and Python's doors to
   JavaScript when it has loaded (`web/workers/seal.js`). The server's content security policy lets pages and
   workers connect to their own server alone; a static host that sends no such policy leaves out this layer.
5. A worker says when it enters and leaves such code. One that does not come back within a second and a half
   is ended and replaced (`web/code_watch.js`); others go on.
6. Fitness is measured by an evaluator that gets weights alone, whatever reward made them.

`tests/security` holds some 760 hostile pieces of code and generates others. Natively Python's audit events
are watched; in Chromium a canary server, the weights of a sibling and the page's longest task."""


def describe_language() -> str:
    """The rules as Markdown: what code may say, what it may call, what bounds it."""
    return _RULES


def rewards_markdown() -> str:
    """The text of docs/rewards.md."""
    fitness = "\n".join(f"- `{name}`: {fitness.words}" for name, fitness in FITNESS.items())
    return f"""\
# Rewards and fitness as code

Written by `python -m tabrl_py.export --docs docs` from `tabrl_py/rewards`; change it there. The designer's
prompt is made of the same.

```python
{EXAMPLE.rstrip()}
```

`python -m tabrl_py train humanoid-walk --reward FILE` trains with it; a run's recipe, its checkpoints and its
policy's file carry the code.

## The language

{describe_language()}

## The state of the house robot

{describe_state(get_task("humanoid-walk"))}

Tasks that give commands have `s.command`, too. Other robots have `s.qpos` and `s.qvel` (MuJoCo's coordinates
and their speeds) and the signals of their tasks, see [observations.md](observations.md).

## The library of terms

`x`, `error` and `wanted` are `(N,)` or numbers, `s` is the state itself, the others are numbers.

{describe_terms()}

## Fitness

Fitness is not reward: it ranks policies, and no training sees it. It is code of the same language,
`fitness(s)` returns `score, metrics`; an episode's fitness is the sum of its scores over the task's time
limit, so a robot that has fallen earns nothing more. Metrics are told, and need not add up. Shipped:

{fitness}

```python
{FITNESS["humanoid-walk"].source.rstrip()}
```

## What is done with code that nobody trusts

{_TRUST}
"""
