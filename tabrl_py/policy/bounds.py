"""From a policy's actions to those of its task."""

import numpy as np

from tabrl_py.types import F32, Float


class ActionBounds:
    """Maps a policy's actions, in [-1, 1] where allowed, affinely to a task's bounds."""

    def __init__(self, low: tuple[float, ...], high: tuple[float, ...]) -> None:
        lows, highs = np.array(low, dtype=np.float32), np.array(high, dtype=np.float32)
        self._low, self._high = lows, highs
        self._middle: F32 = 0.5 * (lows + highs)
        self._half: F32 = 0.5 * (highs - lows)
        self._plain = bool((lows == -1.0).all() and (highs == 1.0).all())

    def to_task(self, actions: Float, out: Float) -> F32:
        """Clip to [-1, 1], then middle + half-width * action, into `out`; both (N, A)."""
        np.maximum(actions, -1.0, out=out)
        np.minimum(out, 1.0, out=out)
        if self._plain:
            return out
        np.multiply(out, self._half, out=out)
        np.add(out, self._middle, out=out)
        # Rounding may pass a bound by one unit in the last place.
        np.maximum(out, self._low, out=out)
        np.minimum(out, self._high, out=out)
        return out
