"""Gradient steps on a flat vector of parameters."""

import numpy as np

from tabrl_py.types import Float


def clip_norm(grads: Float, longest: float) -> float:
    """Scale a gradient down, in place, to at most the given Euclidean length.

    Returns:
        Its length before; not finite where an entry is not, or the squares overflow: nothing is scaled then.
    """
    norm = float(np.sqrt(np.dot(grads, grads)))
    if np.isfinite(norm) and norm > longest:
        grads *= longest / norm
    return norm


class Adam:
    """Adam (arXiv:1412.6980, algorithm 1), with PPO's usual epsilon.

    Attributes:
        m: first moments.
        v: second moments.
        step_count: steps taken.
        beta1, beta2, epsilon: the constants.
    """

    def __init__(
        self, params: Float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-5
    ) -> None:
        """Optimise `params` in place."""
        self._params = params
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.m: Float = np.zeros_like(params)
        self.v: Float = np.zeros_like(params)
        self._scratch: Float = np.zeros_like(params)
        self.step_count = 0

    def step(self, grads: Float, learning_rate: float) -> None:
        """Move the parameters against a gradient of their length."""
        self.step_count += 1
        m, v, scratch = self.m, self.v, self._scratch
        np.multiply(m, self.beta1, out=m)
        np.multiply(grads, 1.0 - self.beta1, out=scratch)
        np.add(m, scratch, out=m)
        np.multiply(v, self.beta2, out=v)
        np.multiply(grads, grads, out=scratch)
        np.multiply(scratch, 1.0 - self.beta2, out=scratch)
        np.add(v, scratch, out=v)
        np.multiply(v, 1.0 / (1.0 - self.beta2**self.step_count), out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(scratch, self.epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, learning_rate / (1.0 - self.beta1**self.step_count), out=scratch)
        np.subtract(self._params, scratch, out=self._params)
