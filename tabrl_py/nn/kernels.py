"""The compiled arithmetic of `wasm/kernels`, called on NumPy's own memory.

Everything here equals the NumPy of this package (mlp, gaussian, normalize, optim; algos/ppo, algos/rollout),
which stays the reference and the fallback. A call through ctypes costs tens of microseconds in Pyodide: each
does a whole vector step or a whole minibatch. Arrays are float32 and dense.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.config import PPOConfig
from tabrl_py.errors import ConfigError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.mlp import ACTIVATIONS
from tabrl_py.nn.optim import Adam
from tabrl_py.types import F32, F64, Bool

I32 = npt.NDArray[np.int32]
ELEMENTARY = ("tanh", "exp", "expm1")
FIGURES = ("policy_loss", "value_loss", "kl", "clip_fraction", "grad_norm", "entropy")
SETTINGS = (
    "clip_range", "entropy_coef", "value_coef", "normalize_advantage", "kl_limit", "max_grad_norm",
    "beta1", "beta2", "epsilon", "step_size", "v_correction",
)  # fmt: skip

_SIGNATURES = {
    # p: pointer, i: int32, d: double; the answer after ">"
    "workspace_floats": "pi>s",
    "matmul": "ppppiii>",
    "elementary": "ppii>",
    "normalize": "ppppii>",
    "mlp_forward": "ppppppiii>",
    "mlp_backward": "pppppppiii>",
    "act": "ppppppppiii>",
    "gae": "ppppppiidd>",
    "ppo_gradient": "ppppppppppppiiii>i",
    "clip_norm": "pid>d",
    "adam_step": "pppppi>",
    "ppo_minibatch": "ppppppppppppppiiii>i",
}
_TYPES: dict[str, Any] = {
    "p": ctypes.c_void_p,
    "i": ctypes.c_int32,
    "d": ctypes.c_double,
    "s": ctypes.c_size_t,
}


class Outcome(IntEnum):
    """What a minibatch did."""

    STEPPED = 0
    KL_STOP = 1
    """The divergence exceeded its limit: nothing was changed."""
    NOT_FINITE = 2
    """A loss or the gradient was not finite: nothing was changed."""


@dataclass(frozen=True)
class MinibatchFigures:
    """What a minibatch says before its step; grad_norm and entropy (after the step) only where it stepped."""

    policy_loss: float
    value_loss: float
    kl: float
    clip_fraction: float
    grad_norm: float
    entropy: float


class Library:
    """The compiled functions, one method each, with their arguments checked."""

    def __init__(self, path: Path) -> None:
        """Load the shared library, or in Pyodide the side module, at `path`.

        Raises:
            ConfigError: it cannot be loaded here (in a browser: no WebAssembly SIMD), or is not ours.
        """
        try:
            dll = ctypes.CDLL(str(path))
            for name, signature in _SIGNATURES.items():
                arguments, _, answer = signature.partition(">")
                function = getattr(dll, name)
                function.argtypes = [_TYPES[letter] for letter in arguments]
                function.restype = _TYPES[answer] if answer else None
        except (OSError, AttributeError) as error:
            raise ConfigError(
                f"the compiled kernels at {path} cannot be used: {error}; "
                'build them anew, or choose kernels="numpy"'
            ) from error
        self.dll: Any = dll

    def elementary(self, function: str, x: F32) -> F32:
        """Tanh, exp or expm1 of each number."""
        out = np.empty_like(x)
        self.dll.elementary(
            _address(out, x.shape, "out"), _address(x, x.shape, "x"), x.size, ELEMENTARY.index(function)
        )
        return out

    def matmul(self, a: F32, b: F32) -> F32:
        """(m, n), the product of a (m, k) and b (k, n)."""
        (m, k), n = a.shape, b.shape[1]
        out = np.empty((m, n), np.float32)
        workspace = np.empty(k * (n + 8), np.float32)
        pointers = _addresses((out, (m, n)), (a, (m, k)), (b, (k, n)), (workspace, workspace.shape))
        self.dll.matmul(*pointers, m, k, n)
        return out

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
        """(T, N) advantages; see algos.rollout.gae."""
        shape = rewards.shape
        out = np.empty(shape, np.float32)
        pointers = _addresses((out, shape), (rewards, shape), (values, shape), (next_values, shape))
        flags = [_address(flag, shape, "flags", np.bool_) for flag in (terminated, truncated)]
        self.dll.gae(*pointers, *flags, *shape, gamma, lam)
        return out

    def normalize(self, obs: F32, mean: F32, scale: F32, out: F32) -> F32:
        """Clip((obs - mean) * scale, -10, 10) of (B, O) observations, into `out`."""
        rows, width = obs.shape
        pointers = _addresses((out, obs.shape), (obs, obs.shape), (mean, (width,)), (scale, (width,)))
        self.dll.normalize(*pointers, rows, width)
        return out


class Networks:
    """The passes of an actor-critic, on its own parameters.

    Attributes:
        library: the compiled functions.
        nets: whose parameters are read and, by PPOSteps, written.
        workspace: scratch of every call.
        shape: what the functions take at their end: widths, layers, activation.
    """

    def __init__(self, library: Library, nets: ActorCritic) -> None:
        """Serve float32 networks.

        Raises:
            ValueError: the networks are not float32.
        """
        if nets.params.dtype != np.float32:
            raise ValueError(f"kernels work in float32; the networks are {nets.params.dtype}")
        self.library, self.nets = library, nets
        self._widths: I32 = np.array(nets.actor.sizes, np.int32)
        self._critic_widths: I32 = np.array(nets.critic.sizes, np.int32)
        layers = len(nets.actor.layers)
        floats = library.dll.workspace_floats(self._widths.ctypes.data, layers)
        self.workspace: F32 = np.zeros(floats, np.float32)
        self._activation = ACTIVATIONS.index(nets.actor.activation)
        self._scratch = self.workspace.ctypes.data
        self.shape = (self._widths.ctypes.data, layers, self._activation)
        self._params = _address(nets.params, nets.params.shape, "params")
        self._critic_params = _address(nets.critic.params, nets.critic.params.shape, "critic")

    def act(self, obs: F32, noise: F32 | None, mean: F32 | None, scale: F32 | None, out: F32) -> F32:
        """One vector step: (B, A) actions mean(obs) + exp(log_std) * noise, into `out`.

        Args:
            obs: (B, O) as the simulation gives them.
            noise: (B, A); None for the mean action.
            mean: (O,) of the observation normaliser; None where there is none.
            scale: (O,) of the observation normaliser; None where there is none.
            out: (B, A).
        """
        sizes = self.nets.actor.sizes
        rows, width, actions = len(obs), sizes[0], sizes[-1]
        pointers = [
            _address(out, (rows, actions), "out"),
            _address(obs, (rows, width), "obs"),
            None if noise is None else _address(noise, (rows, actions), "noise"),
            None if mean is None else _address(mean, (width,), "mean"),
            None if scale is None else _address(scale, (width,), "scale"),
        ]
        self.library.dll.act(*pointers, self._params, self._scratch, *self.shape, rows)
        return out

    def values(self, obs: F32) -> F32:
        """(B,) values of normalised observations, (B, O)."""
        rows, width = len(obs), self.nets.critic.sizes[0]
        out = np.empty(rows, np.float32)
        _, layers, activation = self.shape
        self.library.dll.mlp_forward(
            _address(out, (rows,), "out"),
            None,
            _address(obs, (rows, width), "obs"),
            self._critic_params,
            self._scratch,
            self._critic_widths.ctypes.data,
            layers,
            activation,
            rows,
        )
        return out

    def forward(self, obs: F32) -> tuple[F32, F32]:
        """The actor's (B, A) output for normalised observations, and the hidden activations for backward."""
        rows, sizes = len(obs), self.nets.actor.sizes
        out = np.empty((rows, sizes[-1]), np.float32)
        hidden = np.empty(rows * sum(sizes[1:-1]) + 1, np.float32)
        pointers = _addresses((out, out.shape), (hidden, hidden.shape), (obs, (rows, sizes[0])))
        self.library.dll.mlp_forward(*pointers, self._params, self._scratch, *self.shape, rows)
        return out, hidden

    def backward(self, d_out: F32, hidden: F32, obs: F32, d_params: F32) -> None:
        """The actor's gradients, into `d_params`, from those of its output; forward(obs) gave `hidden`."""
        rows, sizes = len(obs), self.nets.actor.sizes
        pointers = _addresses(
            (d_params, self.nets.actor.params.shape),
            (d_out, (rows, sizes[-1])),
            (hidden, hidden.shape),
            (obs, (rows, sizes[0])),
        )
        self.library.dll.mlp_backward(*pointers, self._params, self._scratch, *self.shape, rows)


class PPOSteps:
    """Gradient steps of PPO, one call per minibatch, on the networks' parameters and Adam's moments.

    begin() names the samples of an update; minibatch() then does what algos.ppo does with some of them:
    normalised advantages, gradients of actor and critic, KL stop, gradient limit, Adam.
    """

    def __init__(self, networks: Networks, optimizer: Adam, config: PPOConfig, kl_limit: float = 0.0) -> None:
        """Prepare the steps.

        Args:
            networks: what learns.
            optimizer: its moments and its count of steps are used and moved on.
            config: of PPO.
            kl_limit: the divergence of a minibatch from which on an update stops; 0 for none.
        """
        self._networks, self._optimizer = networks, optimizer
        self._figures: F64 = np.zeros(len(FIGURES))
        settings = {
            "clip_range": config.clip_range,
            "entropy_coef": config.entropy_coef,
            "value_coef": config.value_coef,
            "normalize_advantage": float(config.normalize_advantage),
            "kl_limit": kl_limit,
            "max_grad_norm": config.max_grad_norm,
            "beta1": optimizer._beta1,
            "beta2": optimizer._beta2,
            "epsilon": optimizer._epsilon,
        }
        self._settings: F64 = np.array([settings.get(name, 0.0) for name in SETTINGS])
        nets = networks.nets
        flat = [nets.params, optimizer.m, optimizer.v, nets.grads]
        self._flat = [_address(array, nets.params.shape, "parameters") for array in flat]
        self._rest = (networks.workspace.ctypes.data, self._settings.ctypes.data, *networks.shape)
        self._samples: tuple[F32, ...] = ()
        self._sample_pointers: list[int] = []

    def begin(self, obs: F32, actions: F32, old_log_prob: F32, advantages: F32, returns: F32) -> None:
        """Take the samples of an update, which must live until its last minibatch.

        Args:
            obs: (S, O) normalised.
            actions: (S, A) before clipping to the bounds.
            old_log_prob: (S,).
            advantages: (S,).
            returns: (S,).
        """
        count, sizes = len(obs), self._networks.nets.actor.sizes
        self._samples = (obs, actions, old_log_prob, advantages, returns)
        shapes = [(count, sizes[0]), (count, sizes[-1]), (count,), (count,), (count,)]
        self._sample_pointers = _addresses(*zip(self._samples, shapes, strict=True))

    def minibatch(self, rows: I32, learning_rate: float) -> tuple[Outcome, MinibatchFigures]:
        """One gradient step on the named samples.

        Args:
            rows: (B,) int32 positions in the samples.
            learning_rate: of this step.

        Raises:
            IndexError: a row is not one of the samples, or there are none.
        """
        adam = self._optimizer
        count = adam.step_count + 1
        self._settings[SETTINGS.index("step_size")] = learning_rate / (1.0 - adam._beta1**count)
        self._settings[SETTINGS.index("v_correction")] = 1.0 / (1.0 - adam._beta2**count)
        answer = self._call(self._networks.library.dll.ppo_minibatch, self._flat, rows)
        if answer == Outcome.STEPPED:
            adam.step_count = count
        return Outcome(answer), MinibatchFigures(*self._figures.tolist())

    def gradient(self, rows: I32) -> MinibatchFigures:
        """Only the gradient, into the networks' grads; see minibatch for arguments and errors."""
        params, _, _, grads = self._flat
        self._call(self._networks.library.dll.ppo_gradient, [grads, params], rows)
        return MinibatchFigures(*self._figures.tolist())

    def _call(self, function: Any, flat: list[int], rows: I32) -> int:  # noqa: ANN401
        self._figures[...] = np.nan
        pointers = [self._figures.ctypes.data, *flat, *self._sample_pointers]
        first = _address(rows, (len(rows),), "rows", np.int32)
        samples = len(self._samples[0]) if self._samples else 0
        answer: int = function(*pointers, first, *self._rest, len(rows), samples)
        if answer < 0:
            raise IndexError(f"rows must name at least one sample and lie in [0, {samples}); they are {rows}")
        return answer


def _address(
    array: npt.NDArray[Any], shape: tuple[int, ...], name: str, dtype: type[np.generic] = np.float32
) -> int:
    """Where an array's numbers lie, once it is sure that they lie as C will read them."""
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        kind = "dense" if array.flags.c_contiguous else "not dense"
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}, {kind}; the kernels need dense {np.dtype(dtype)} {shape}"
        )
    return array.ctypes.data


def _addresses(*arrays: tuple[F32, tuple[int, ...]]) -> list[int]:
    return [_address(array, shape, f"argument {at}") for at, (array, shape) in enumerate(arrays)]


LIBRARY_VARIABLE = "TABRL_KERNELS"


def find() -> Path | None:
    """The compiled library: $TABRL_KERNELS, else what the checkout has built; None where there is none."""
    chosen = os.environ.get(LIBRARY_VARIABLE)
    if chosen:
        return Path(chosen)
    name = {"darwin": "libkernels.dylib", "win32": "libkernels.dll"}.get(sys.platform, "libkernels.so")
    path = Path(__file__).parents[2] / ".cache" / "kernels" / name
    return path if path.is_file() else None
