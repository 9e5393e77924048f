"""Random streams without state: what is drawn depends on what it is for, never on what was drawn before.

Every draw of a run comes from a Philox generator keyed by (seed, purpose, index, step), so a run continues
bit for bit from its counters alone, and one environment's draws do not depend on how many others there are
or which worker steps them.
Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of the recipe format: never reuse one."""

    INIT_ACTOR = 1
    INIT_CRITIC = 2
    ACTION = 3
    RESET = 4
    SHUFFLE = 5
    EVALUATION = 6
    BASELINE = 7
    PLAY = 8
    DIRECTION = 9
    REPLAY = 10
    WARMUP = 11
    COMMAND = 12
    PUSH = 13
    SENSOR = 14
    REVISIT = 15
    DESIGN = 16


class _Key(ISeedSequence):
    """Gives Philox its key as a seed: given as a key, NumPy first draws an unused seed from the system.

    In the browser that draw takes ten times as long as all the rest of making a generator.
    """

    def __init__(self, key: npt.NDArray[np.uint64]) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: npt.DTypeLike = np.uint64) -> npt.NDArray[np.uint64]:
        """See ISeedSequence: the key, whatever is asked for; Philox asks once, for two 64-bit words."""
        return self._key


def stream(seed: int, purpose: Purpose, index: int = 0, step: int = 0) -> np.random.Generator:
    """A generator that depends on nothing but its four arguments.

    Args:
        seed: the run's seed, 0 <= seed < 2**32.
        purpose: what the draws are for.
        index: which environment or layer draws, 0 <= index < 2**32.
        step: which rollout, episode or update it draws for, 0 <= step < 2**64.
    """
    key = np.array([seed, (int(purpose) << 32) | index], dtype=np.uint64)
    counter = np.array([0, 0, step, 0], dtype=np.uint64)
    seed_sequence: Any = _Key(key)  # NumPy's types do not say that it takes any ISeedSequence
    return np.random.Generator(np.random.Philox(seed_sequence, counter=counter))
