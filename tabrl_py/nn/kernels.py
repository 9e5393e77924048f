"""The compiled arithmetic of `wasm/kernels`, called on NumPy's own memory.

Everything here equals the NumPy of this package (mlp, normalize, optim, advantages, ppo_loss), which stays
the reference and the fallback. A call through ctypes costs tens of microseconds in Pyodide: each does a whole
vector step, a whole pass or a whole minibatch. Arrays are float32 and dense.
"""

import ctypes
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.errors import ConfigError
from tabrl_py.nn.mlp import ACTIVATIONS, MLP
from tabrl_py.nn.optim import Adam
from tabrl_py.types import F32, Bool, Float

INTERFACE = 2
"""What kernels.h says of the functions' arguments; a library of another number is refused."""
LAYER_NORM = 4
"""Added to an activation's number where hidden layers are normalised."""
ELEMENTARY = ("tanh", "exp", "expm1")
SETTINGS = (
    "clip_range", "value_coef", "adv_mean", "adv_scale", "samples", "entropy_coef", "learn_std", "kl_limit",
    "max_grad_norm", "beta1", "beta2", "epsilon", "step_size", "v_correction",
)  # fmt: skip
LIBRARY_VARIABLE = "TABRL_KERNELS"

_SIGNATURES = {
    # p: pointer, i: int32, d: double, s: size_t; the answer after ">"
    "interface_number": ">i",
    "workspace_floats": "pii>s",
    "hidden_floats": "pii>s",
    "matmul": "ppppiii>",
    "elementary": "ppii>",
    "normalize": "ppppii>",
    "mlp_forward": "ppppppiii>",
    "mlp_backward": "ppppppppiii>",
    "act": "ppppppppiii>",
    "to_bounds": "ppppiii>",
    "gae": "ppppppiidd>",
    "ppo_shards": "pppppppppppppiiiii>i",
    "tree_sum": "pii>",
    "clip_norm": "pid>d",
    "adam_step": "pppppi>",
    "ppo_apply": "ppppppppi>i",
}
_TYPES: dict[str, Any] = {
    "p": ctypes.c_void_p,
    "i": ctypes.c_int32,
    "d": ctypes.c_double,
    "s": ctypes.c_size_t,
}


class Library:
    """The compiled functions, with their arguments checked; `dll` has them as they are."""

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
            number = dll.interface_number()
            if number != INTERFACE:
                raise OSError(f"it has interface {number}, not {INTERFACE}")
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
            address(out, x.shape, "out"), address(x, x.shape, "x"), x.size, ELEMENTARY.index(function)
        )
        return out

    def matmul(self, a: F32, b: F32) -> F32:
        """(m, n), the product of a (m, k) and b (k, n)."""
        (m, k), n = a.shape, b.shape[1]
        out = np.empty((m, n), np.float32)
        workspace = np.empty(k * (n + 8), np.float32)
        pointers = addresses((out, (m, n)), (a, (m, k)), (b, (k, n)), (workspace, workspace.shape))
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
        """(T, N) advantages; see nn.advantages.gae."""
        shape = rewards.shape
        out = np.empty(shape, np.float32)
        pointers = addresses((out, shape), (rewards, shape), (values, shape), (next_values, shape))
        flags = [address(flag, shape, "flags", np.bool_) for flag in (terminated, truncated)]
        self.dll.gae(*pointers, *flags, *shape, gamma, lam)
        return out

    def normalize(self, obs: F32, mean: F32, scale: F32, out: F32) -> F32:
        """See nn.normalize.normalize; (B, O)."""
        rows, width = obs.shape
        pointers = addresses((out, obs.shape), (obs, obs.shape), (mean, (width,)), (scale, (width,)))
        self.dll.normalize(*pointers, rows, width)
        return out

    def to_bounds(self, actions: F32, low: F32, high: F32, *, squash: bool = False) -> F32:
        """(B, A) actions in [-1, 1] where allowed, mapped to bounds (A,); see policy.bounds.ActionBounds."""
        rows, width = actions.shape
        out = np.empty_like(actions)
        pointers = addresses((out, out.shape), (actions, actions.shape), (low, (width,)), (high, (width,)))
        self.dll.to_bounds(*pointers, rows, width, squash)
        return out

    def tree_sum(self, block: F32) -> F32:
        """The sum of (n, P) into the first row; see nn.ppo_loss.tree_sum."""
        rows, width = block.shape
        if rows < 1 or rows & (rows - 1):
            raise ValueError(f"a tree sum needs a power of two of rows; there are {rows}")
        self.dll.tree_sum(address(block, block.shape, "block"), rows, width)
        total: F32 = block[0]
        return total


class CompiledMLP:
    """The passes of a float32 MLP, on its parameters; to be used in its place (see nn.mlp.Perceptron).

    Attributes:
        sizes, activation, layer_norm, params, layers: the MLP's.
        workspace: scratch of every call.
        shape: what the compiled functions take for it: widths, layers, form.
    """

    def __init__(self, library: Library, mlp: MLP) -> None:
        """Serve an MLP.

        Raises:
            ValueError: it is not float32.
        """
        if mlp.params.dtype != np.float32:
            raise ValueError(f"kernels work in float32; the network is {mlp.params.dtype}")
        self.sizes, self.activation, self.layer_norm = mlp.sizes, mlp.activation, mlp.layer_norm
        self.params, self.layers = mlp.params, mlp.layers
        self._dll = library.dll
        self._widths = np.array(mlp.sizes, np.int32)
        form = ACTIVATIONS.index(mlp.activation) + (LAYER_NORM if mlp.layer_norm else 0)
        self.shape = (self._widths.ctypes.data, len(mlp.layers), form)
        self.workspace: F32 = np.zeros(library.dll.workspace_floats(*self.shape), np.float32)
        self._kept = int(library.dll.hidden_floats(*self.shape))
        self._scratch = self.workspace.ctypes.data
        self._params = address(mlp.params, mlp.params.shape, "params")
        self._batches: dict[int, tuple[F32, F32]] = {}
        self._inputs: dict[int, Float] = {}

    def forward(self, x: Float) -> Float:
        """See MLP.forward."""
        rows = len(x)
        if rows not in self._batches:
            # One number more than needed: no array is empty, so that its address is one.
            self._batches[rows] = (
                np.zeros((rows, self.sizes[-1]), np.float32),
                np.zeros(rows * self._kept + 1, np.float32),
            )
        out, hidden = self._batches[rows]
        pointer = address(x, (rows, self.sizes[0]), "x")
        self._inputs[rows] = x
        self._dll.mlp_forward(
            out.ctypes.data, hidden.ctypes.data, pointer, self._params, self._scratch, *self.shape, rows
        )
        return out

    def infer(self, x: F32, out: F32) -> F32:
        """The network's output, (B, sizes[-1]), into `out`, with nothing left for a backward pass."""
        rows = len(x)
        pointers = addresses((out, (rows, self.sizes[-1])), (x, (rows, self.sizes[0])))
        self._dll.mlp_forward(pointers[0], None, pointers[1], self._params, self._scratch, *self.shape, rows)
        return out

    def backward(self, d_out: Float, d_params: Float | None, d_x: Float | None = None) -> None:
        """See MLP.backward."""
        rows = len(d_out)
        x, (_, hidden) = self._inputs[rows], self._batches[rows]
        self._dll.mlp_backward(
            None if d_params is None else address(d_params, self.params.shape, "d_params"),
            None if d_x is None else address(d_x, x.shape, "d_x"),
            address(d_out, (rows, self.sizes[-1]), "d_out"),
            hidden.ctypes.data,
            address(x, x.shape, "x"),
            self._params,
            self._scratch,
            *self.shape,
            rows,
        )


class CompiledAdam(Adam):
    """Adam on float32 parameters in one pass, with the bits of nn.optim.Adam."""

    def __init__(self, library: Library, params: Float, epsilon: float = 1e-5) -> None:
        """Optimise `params` in place."""
        super().__init__(params, epsilon=epsilon)
        self._dll = library.dll
        self._settings = np.zeros(len(SETTINGS))
        put_adam(self._settings, self)

    def step(self, grads: Float, learning_rate: float) -> None:
        """See Adam.step."""
        self.step_count += 1
        put_step(self._settings, self, self.step_count, learning_rate)
        shape = self.m.shape
        pointers = addresses((self._params, shape), (self.m, shape), (self.v, shape), (grads, shape))
        self._dll.adam_step(*pointers, self._settings.ctypes.data, len(grads))


def put_adam(settings: npt.NDArray[np.float64], adam: Adam) -> None:
    """Write Adam's constants where the compiled functions read them."""
    for name, value in (("beta1", adam.beta1), ("beta2", adam.beta2), ("epsilon", adam.epsilon)):
        settings[SETTINGS.index(name)] = value


def put_step(settings: npt.NDArray[np.float64], adam: Adam, count: int, learning_rate: float) -> None:
    """Write what Adam's step number `count` (from 1) needs."""
    settings[_STEP_SIZE] = learning_rate / (1.0 - adam.beta1**count)
    settings[_V_CORRECTION] = 1.0 / (1.0 - adam.beta2**count)


_STEP_SIZE, _V_CORRECTION = SETTINGS.index("step_size"), SETTINGS.index("v_correction")
_CODES = {np.float32: "<f4", np.float64: "<f8", np.int32: "<i4", np.bool_: "|b1"}


def address(
    array: npt.NDArray[Any], shape: tuple[int, ...], name: str, dtype: type[np.generic] = np.float32
) -> int:
    """Where an array's numbers lie, once it is sure that they lie as C will read them.

    Raises:
        ValueError: the array has another shape or type, or is not dense.
    """
    # One look-up tells everything; asking the array for each thing takes several times as long in Pyodide.
    facts = array.__array_interface__
    if facts["typestr"] != _CODES[dtype] or facts["shape"] != shape or facts["strides"] is not None:
        kind = "dense" if facts["strides"] is None else "not dense"
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}, {kind}; the kernels need dense {np.dtype(dtype)} {shape}"
        )
    where: int = facts["data"][0]
    return where


def addresses(*arrays: tuple[Float, tuple[int, ...]]) -> list[int]:
    """See address; of several float32 arrays with their shapes."""
    return [address(array, shape, f"argument {at}") for at, (array, shape) in enumerate(arrays)]


def function_address(function: Any) -> int:  # noqa: ANN401 - a function of ctypes has no public type
    """Where a compiled function is: in Pyodide its number in the table through which functions are called."""
    where: int | None = ctypes.cast(function, ctypes.c_void_p).value
    assert where is not None
    return where


def find() -> Path | None:
    """The compiled library: $TABRL_KERNELS, else what the checkout has built; None where there is none."""
    chosen = os.environ.get(LIBRARY_VARIABLE)
    if chosen:
        return Path(chosen)
    name = {"darwin": "libkernels.dylib", "win32": "libkernels.dll"}.get(sys.platform, "libkernels.so")
    path = Path(__file__).parents[2] / ".cache" / "kernels" / name
    return path if path.is_file() else None


def available() -> Library | None:
    """The library that find() names, or None where there is none or it cannot be used here."""
    path = find()
    return None if path is None else _loaded(path)


@lru_cache(maxsize=4)
def _loaded(path: Path) -> Library | None:
    try:
        return Library(path)
    except ConfigError:
        return None
