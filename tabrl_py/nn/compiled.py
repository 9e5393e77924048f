"""The arithmetic of PPO by the compiled kernels: one call for each method of nn.arithmetic.Arithmetic."""

from typing import Any, Literal

import numpy as np

from tabrl_py.config import PPOConfig
from tabrl_py.nn.acting import Acting
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.kernels import (
    SETTINGS,
    CompiledMLP,
    Library,
    address,
    addresses,
    function_address,
    put_adam,
    put_step,
)
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.ppo_loss import (
    KL_SLACK,
    SUMS,
    Minibatch,
    MinibatchFigures,
    Outcome,
    check_samples,
    check_shards,
)
from tabrl_py.types import F32, F64, I32, Bool

_ADV_MEAN, _ADV_SCALE, _SAMPLES = (SETTINGS.index(name) for name in ("adv_mean", "adv_scale", "samples"))


def _normaliser(mean: F32 | None, scale: F32 | None, width: int) -> tuple[int | None, int | None]:
    """Where the two are that normalise observations of this width; None where nothing is to be normalised."""
    if mean is None or scale is None:
        return None, None
    return address(mean, (width,), "mean"), address(scale, (width,), "scale")


class CompiledArithmetic:
    """See nn.arithmetic.Arithmetic; float32 networks only."""

    name: Literal["numpy", "compiled"] = "compiled"

    def __init__(self, library: Library, nets: ActorCritic, optimizer: Adam, config: PPOConfig) -> None:
        """Serve networks, whose optimiser has its moments and its count of steps moved on.

        Raises:
            ValueError: the networks are not float32.
        """
        self._library, self._nets, self._optimizer = library, nets, optimizer
        self._actor, self._critic = CompiledMLP(library, nets.actor), CompiledMLP(library, nets.critic)
        settings = {
            "clip_range": config.clip_range,
            "value_coef": config.value_coef,
            "entropy_coef": config.entropy_coef,
            "learn_std": float(config.exploration != "annealed"),
            "kl_limit": KL_SLACK * config.target_kl,
            "max_grad_norm": config.max_grad_norm,
        }
        self._settings: F64 = np.array([settings.get(name, 0.0) for name in SETTINGS])
        put_adam(self._settings, optimizer)
        self._figures: F64 = np.zeros(len(MinibatchFigures.__dataclass_fields__))
        size = nets.params.shape
        self._flat = addresses((nets.params, size), (optimizer.m, size), (optimizer.v, size))
        self._rest = (self._actor.workspace.ctypes.data, self._settings.ctypes.data, *self._actor.shape)
        self._samples: Minibatch | None = None
        self._sample_pointers: list[int] = []

    def act(self, obs: F32, noise: F32 | None, mean: F32 | None, scale: F32 | None, out: F32) -> F32:
        """See Arithmetic.act."""
        rows, sizes = len(obs), self._actor.sizes
        width, actions = sizes[0], sizes[-1]
        self._library.dll.act(
            address(out, (rows, actions), "out"),
            address(obs, (rows, width), "obs"),
            None if noise is None else address(noise, (rows, actions), "noise"),
            *_normaliser(mean, scale, width),
            self._flat[0],
            self._rest[0],
            *self._actor.shape,
            rows,
        )
        return out

    def acting(self, mean: F32 | None, scale: F32 | None) -> Acting:
        """See Arithmetic.acting."""
        mean_at, scale_at = _normaliser(mean, scale, self._actor.sizes[0])
        dll, (workspace, _, widths, layers, form) = self._library.dll, self._rest
        return Acting(
            act=function_address(dll.act),
            to_bounds=function_address(dll.to_bounds),
            mean=mean_at or 0,
            scale=scale_at or 0,
            params=self._flat[0],
            workspace=workspace,
            widths=widths,
            layers=layers,
            form=form,
        )

    def values(self, obs: F32) -> F32:
        """See Arithmetic.values."""
        out = np.empty((len(obs), 1), np.float32)
        return self._critic.infer(obs, out)[:, 0]

    def gae(
        self,
        rewards: F32,
        values: F32,
        next_values: F32,
        terminated: Bool,
        truncated: Bool,
        gamma: float,
        lam: float,
    ) -> F32:
        """See Arithmetic.gae."""
        return self._library.gae(rewards, values, next_values, terminated, truncated, gamma, lam)

    def begin(self, obs: F32, actions: F32, old_log_prob: F32, advantages: F32, returns: F32) -> None:
        """See Arithmetic.begin."""
        count, sizes = len(obs), self._actor.sizes
        shapes = [(count, sizes[0]), (count, sizes[-1]), (count,), (count,), (count,)]
        arrays = (obs, actions, old_log_prob, advantages, returns)
        self._sample_pointers = addresses(*zip(arrays, shapes, strict=True))
        self._samples = Minibatch(*arrays)

    def gradients(
        self,
        rows: I32,
        counts: I32,
        adv_mean: float,
        adv_scale: float,
        samples: int,
        out: F32,
        figures: F64,
    ) -> None:
        """See Arithmetic.gradients."""
        shards, settings = len(counts), self._settings
        settings[_ADV_MEAN], settings[_ADV_SCALE], settings[_SAMPLES] = adv_mean, adv_scale, samples
        available = 0 if self._samples is None else len(self._samples.obs)
        pointers = [
            address(figures, (shards, len(SUMS)), "figures", np.float64),
            address(out, (shards, self._nets.params.size), "out"),
            self._flat[0],
            *(self._sample_pointers or [0] * 5),
            address(rows, (len(rows),), "rows", np.int32),
            address(counts, (shards,), "counts", np.int32),
        ]
        answer = self._library.dll.ppo_shards(*pointers, *self._rest, shards, len(rows), available)
        if answer < 0:
            check_shards(rows, counts, samples, available)
            raise AssertionError(f"the kernels refused rows {rows} of {available}")

    def tree_sum(self, block: F32) -> F32:
        """See Arithmetic.tree_sum."""
        return self._library.tree_sum(block)

    def apply(
        self, grads: F32, figures: F64, samples: int, learning_rate: float
    ) -> tuple[Outcome, MinibatchFigures]:
        """See Arithmetic.apply."""
        check_samples(samples)
        adam = self._optimizer
        count = adam.step_count + 1
        self._settings[_SAMPLES] = samples
        put_step(self._settings, adam, count, learning_rate)
        widths, layers, _ = self._actor.shape
        answer = self._library.dll.ppo_apply(
            self._figures.ctypes.data,
            *self._flat,
            address(grads, self._nets.params.shape, "grads"),
            address(figures, (len(SUMS),), "figures", np.float64),
            self._settings.ctypes.data,
            widths,
            layers,
        )
        if answer == Outcome.STEPPED:
            adam.step_count = count
        figures_after: Any = self._figures.tolist()
        return Outcome(answer), MinibatchFigures(*figures_after)
