"""Augmented random search (Mania, Guy, Recht, arXiv:1803.07055, algorithm 2): V1, V2, V1-t and V2-t.

Weights M; directions delta_k, k = 1 .. K, each tried as M + nu delta_k and M - nu delta_k for an episode. Of
the K directions the b with the best episodes make the step

    M <- M + alpha / (b sigma_R) sum_k (r_k+ - r_k-) delta_k

where sigma_R is the standard deviation of their 2 b returns. With normalised observations it is V2, else V1.

    E  episodes of an update, 2 K: the policies 0 .. K - 1 are M + nu delta_k, K .. 2 K - 1 are M - nu delta_k
    P  weights and biases of the policy
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tabrl_py.algos.algorithm import Actor, UpdateStats, refuse_team
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.shards import Share
from tabrl_py.config import ARSConfig, Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.nn.arithmetic import Name
from tabrl_py.nn.mlp import MLP, initialise, parameter_count
from tabrl_py.nn.normalize import ObsNormalizer, normalize
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import F32, F64, I64, Float

NO_NOISE = -20.0
"""The log standard deviation in the policy's file: it explores in its weights, not in its actions."""
MOST_NUMBERS = 64_000_000
"""Of all directions together: 256 MB."""
IDLE, WAITING = -1, -2
"""In place of a policy's number: an episode that is not counted; a first step with nothing to try yet."""


def ars_step(
    deltas: Float, forwards: F64, backwards: F64, top: int, step_size: float
) -> tuple[Float, float] | None:
    """The step of the weights, line 6 and 7 of algorithm 2.

    Args:
        deltas: (K, P) directions.
        forwards: (K,) returns of M + nu delta.
        backwards: (K,) returns of M - nu delta.
        top: b, at most K.
        step_size: alpha.

    Returns:
        (P,) what is added to M, and its length divided by alpha; None where the returns do not differ, or
        the step is not finite.
    """
    best = np.argsort(-np.maximum(forwards, backwards), kind="stable")[:top]
    ahead, behind = forwards[best], backwards[best]
    spread = float(np.std(np.concatenate([ahead, behind])))
    if not spread > 0.0:
        return None
    weights = ((ahead - behind) / (top * spread)).astype(deltas.dtype)
    direction: Float = weights @ deltas[best]
    length = float(np.sqrt(np.dot(direction, direction)))
    return (direction * deltas.dtype.type(step_size), length) if np.isfinite(length) else None


class RowPolicies:
    """A policy of its own for each row: the same network, other weights.

    Attributes:
        params: (N, P) each row's weights, in MLP's order.
    """

    def __init__(self, sizes: Sequence[int], activation: str, rows: int) -> None:
        """N networks of zeros."""
        self.params: F32 = np.zeros((rows, parameter_count(sizes)), np.float32)
        self._shape = MLP(sizes, activation, np.zeros(parameter_count(sizes), np.float32))
        self._layers: list[tuple[F32, F32]] = []
        at = 0
        for n_in, n_out in pairwise(sizes):
            weights = self.params[:, at : at + n_in * n_out].reshape(rows, n_in, n_out)
            at += n_in * n_out
            self._layers.append((weights, self.params[:, at : at + n_out]))
            at += n_out

    def forward(self, obs: F32) -> F32:
        """(N, A) each row's output for its own observation, (N, O)."""
        h = obs
        for layer, (w, b) in enumerate(self._layers):
            h = np.einsum("ni,nio->no", h, w) + b
            if layer < len(self._layers) - 1:
                self._shape._activate(h, np.empty_like(h))
        return h


class ARS:
    """See Algorithm. Its updates are made when the last of their episodes has ended, whenever that is.

    A row takes the next policy that waits when its episode ends. Where none waits it runs the weights
    themselves for an episode, which is not counted, and then takes one of the next update's.

    Attributes:
        params: (P,) M, in MLP's order.
        updates: steps made or left out.
        skipped: steps left out in the present rollout: not finite, or all returns the same.
    """

    arithmetic: Name = "numpy"
    reward_discount: float | None = None
    acts_on_rewards = True

    def __init__(self, recipe: Recipe, obs_size: int, action_size: int, share: Share | None = None) -> None:
        """Weights of zero for a linear policy, else those of other policies.

        Raises:
            ConfigError: more environments than episodes, directions that do not fit in memory, layer norm is
                asked for, or there is a team.
        """
        config = recipe.algo
        assert isinstance(config, ARSConfig)
        if share is not None:
            refuse_team(share, "ars")
        if recipe.network.layer_norm:
            raise ConfigError("network.layer_norm=True is not for ars; set it to false")
        sizes = (obs_size, *recipe.network.hidden, action_size)
        count = parameter_count(sizes)
        if config.n_directions * count > MOST_NUMBERS:
            raise ConfigError(
                f"algo.n_directions={config.n_directions} of {count} weights each do not fit in memory; "
                f"the most is {MOST_NUMBERS // count}"
            )
        self.config, self._seed = config, recipe.seed
        self._policies = RowPolicies(sizes, recipe.network.activation, recipe.n_envs)
        self.params: F32 = np.zeros(count, np.float32)
        self._actor = MLP(sizes, recipe.network.activation, self.params)
        if recipe.network.hidden:
            layers = range(len(sizes) - 1)
            initialise(self._actor, 0.01, [stream(recipe.seed, Purpose.INIT_ACTOR, i) for i in layers])
        self.updates = self.skipped = 0
        self._deltas: F32 = np.zeros((config.n_directions, count), np.float32)
        self._returns: F64 = np.zeros(2 * config.n_directions)
        self._open = self._next = 0
        self._policy: I64 = np.full(recipe.n_envs, WAITING)
        self._running: F64 = np.zeros(recipe.n_envs)
        self._mean: F32 = np.zeros(obs_size, np.float32)
        self._scale: F32 = np.ones(obs_size, np.float32)
        self._normalizer: ObsNormalizer | None = None
        self._length = 0.0

    def begin_rollout(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> None:
        """See Algorithm.begin_rollout."""
        self._rollout, self._normalizer = rollout, normalizer
        if self._open == 0:
            self._begin_update()
        for row in np.flatnonzero(self._policy == WAITING):
            self._assign(int(row))

    def act(self, t: int, obs: F32, out: F32) -> None:
        """See Algorithm.act."""
        if t > 0:
            ended = self._take(t - 1)
            if self._open == 0:
                self._begin_update()
            for row in ended:
                self._assign(int(row))
        seen = (
            obs if self._normalizer is None else normalize(obs, self._mean, self._scale, np.empty_like(obs))
        )
        out[...] = self._policies.forward(seen)

    def acting(self) -> None:
        """See Algorithm.acting: each row has a policy of its own."""

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats | None]:
        """See Algorithm.update."""
        # What begins now begins in begin_rollout, with what this rollout taught the normaliser.
        self._policy[self._take(rollout.n_steps - 1)] = WAITING
        skipped, self.skipped = self.skipped, 0
        yield UpdateStats(learning_rate=self.config.step_size, grad_norm=self._length, skipped=skipped)

    def _take(self, t: int) -> I64:
        """What step t of the rollout brought: returns, ended episodes, perhaps the step of an update.

        Returns:
            the rows that begin an episode now.
        """
        rollout = self._rollout
        self._running += rollout.raw_rewards[t] - self.config.reward_shift
        ended = np.flatnonzero(rollout.terminated[t] | rollout.truncated[t])
        for row in ended:
            policy = self._policy[row]
            if policy >= 0:
                self._returns[policy] = self._running[row]
                self._open -= 1
            self._running[row] = 0.0
        if self._open == 0:
            self._improve()
        return ended

    def _improve(self) -> None:
        """The step that the finished episodes ask for."""
        config = self.config
        k = config.n_directions
        with np.errstate(all="ignore"):
            step = ars_step(
                self._deltas, self._returns[:k], self._returns[k:], config.top_directions, config.step_size
            )
        self.updates += 1
        if step is None:
            self.skipped += 1
        else:
            self.params += step[0]
            self._length = step[1]

    def _begin_update(self) -> None:
        """Draw the directions, fix what observations are normalised with, let all policies wait."""
        self._draw()
        if self._normalizer is not None:
            self._mean[...], self._scale[...] = self._normalizer.mean, self._normalizer.scale
        self._returns[...] = 0.0
        self._open, self._next = len(self._returns), 0
        # Rows in the midst of an episode that is not counted go on with the new weights.
        self._policies.params[self._policy == IDLE] = self.params

    def _draw(self) -> None:
        """The directions of the present update, each from its own stream."""
        weights = self._deltas.shape[1]
        for k, delta in enumerate(self._deltas):
            delta[...] = stream(self._seed, Purpose.DIRECTION, k, self.updates).standard_normal(
                weights, np.float32
            )
        if len(self._actor.layers) == 1:
            # The paper's linear policies have no bias.
            self._deltas[:, self._actor.layers[0][0].size :] = 0.0

    def _assign(self, row: int) -> None:
        """Give a row that begins an episode the next policy, or the weights themselves."""
        if self._next < len(self._returns):
            self._policy[row], self._next = self._next, self._next + 1
        else:
            self._policy[row] = IDLE
        self._policies.params[row] = self._weights(int(self._policy[row]))

    def _weights(self, policy: int) -> F32:
        """(P,) the weights of a policy."""
        if policy < 0:
            return self.params
        k = self.config.n_directions
        noise = np.float32(self.config.noise if policy < k else -self.config.noise)
        tried: F32 = self.params + noise * self._deltas[policy % k]
        return tried

    def actor(self) -> Actor:
        """See Algorithm.actor."""
        log_std = np.full(self._actor.sizes[-1], NO_NOISE, np.float32)
        return Actor(self._actor.sizes, self._actor.activation, np.concatenate([self.params, log_std]))

    def load_actor(self, params: F32) -> None:
        """See Algorithm.load_actor."""
        self.params[...] = params[: self.params.size]
        for row, policy in enumerate(self._policy):
            self._policies.params[row] = self._weights(int(policy))

    def state(self) -> dict[str, Float]:
        """See Algorithm.state."""
        counters = [self.updates, self._open, self._next, self._length]
        return {
            "params": self.params,
            "returns": self._returns,
            "policy": self._policy.astype(np.float64),
            "running": self._running,
            "mean": self._mean,
            "scale": self._scale,
            "counters": np.array(counters, np.float64),
        }

    def memory(self) -> dict[str, Float]:
        """See Algorithm.memory."""
        return {}

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.params[...], self._returns[...] = state["params"], state["returns"]
        self._policy[...], self._running[...] = state["policy"], state["running"]
        self._mean[...], self._scale[...] = state["mean"], state["scale"]
        updates, unfinished, following, self._length = (float(x) for x in state["counters"])
        self.updates, self._open, self._next = int(updates), int(unfinished), int(following)
        self._draw()
        for row, policy in enumerate(self._policy):
            self._policies.params[row] = self._weights(int(policy))
