"""A multi-layer perceptron whose parameters are one flat vector, with forward and backward passes.

Layer l maps h[l] to h[l + 1] = f(h[l] @ W[l] + b[l]); the last layer has no activation. The vector holds
W[0] (in, out) row by row, b[0], W[1], b[1], and so on. Passes write into arrays made once per batch size.

With layer normalisation (arXiv:1607.06450, eq. 4) hidden layers are f(norm(h[l] @ W[l]) + b[l]), where
norm(a) = (a - mean(a)) / sqrt(var(a) + 1e-5) over the units of each row. The layer's own bias is the one that
the norm would add, and there is no gain: arXiv:1911.07013 found both to be of little use in most cases, and a
risk of over-fitting. So a network has the same parameters with and without.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tabrl_py.errors import ConfigError
from tabrl_py.types import Float

ACTIVATIONS = ("tanh", "relu", "elu")
HIDDEN_GAIN = float(np.sqrt(2.0))
"""Gain of the orthogonal first weights of hidden layers, as is usual for PPO (arXiv:2006.05990)."""


NORM_EPSILON = 1e-5
"""Added to the variance of a layer's sums: far below that of any layer that says something."""


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of an MLP with these layer sizes, input first."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


class Workspace:
    """What one forward pass leaves for the backward pass, for one batch size.

    Attributes:
        batch: B.
        x: the input of the last forward pass, (B, sizes[0]); not a copy.
        hidden: output of each layer after its activation, (B, sizes[l + 1]).
        deltas: gradients with respect to each layer's output, same shapes.
        scratch: room for the activation's derivative, same shapes.
        normal: with layer normalisation, the normalised sums of the hidden layers, same shapes.
        inverse: and what they were scaled with, (B, 1) each.
    """

    def __init__(self, sizes: Sequence[int], batch: int, dtype: npt.DTypeLike, layer_norm: bool) -> None:
        self.batch = batch
        hidden = sizes[1:-1] if layer_norm else ()
        self.normal: list[Float] = [np.zeros((batch, n), dtype=dtype) for n in hidden]
        self.inverse: list[Float] = [np.zeros((batch, 1), dtype=dtype) for _ in hidden]
        self.x: Float = np.zeros((0, sizes[0]), dtype=dtype)
        self.hidden: list[Float] = [np.zeros((batch, n), dtype=dtype) for n in sizes[1:]]
        self.deltas: list[Float] = [np.zeros((batch, n), dtype=dtype) for n in sizes[1:]]
        self.scratch: list[Float] = [np.zeros((batch, n), dtype=dtype) for n in sizes[1:]]


class Perceptron(Protocol):
    """What passes through a network, by NumPy (MLP) or compiled (nn.kernels.CompiledMLP)."""

    sizes: tuple[int, ...]
    params: Float

    def forward(self, x: Float) -> Float:
        """See MLP.forward."""
        ...

    def backward(self, d_out: Float, d_params: Float | None, d_x: Float | None = None) -> None:
        """See MLP.backward."""
        ...


class MLP:
    """A network over a given vector of parameters, which it views and never copies."""

    def __init__(
        self, sizes: Sequence[int], activation: str, params: Float, *, layer_norm: bool = False
    ) -> None:
        """View `params` layer by layer.

        Args:
            sizes: units of each layer, input first.
            activation: of the hidden layers: tanh, relu or elu.
            params: (parameter_count(sizes),), float32 or float64; its dtype is that of every pass.
            layer_norm: whether the sums of hidden layers are normalised.

        Raises:
            ConfigError: unknown activation.
            ValueError: params of another length.
        """
        if activation not in ACTIVATIONS:
            raise ConfigError(
                f"activation={activation!r} is not known; choose one of {', '.join(ACTIVATIONS)}"
            )
        if params.shape != (parameter_count(sizes),):
            raise ValueError(
                f"params has the shape {params.shape}; sizes {tuple(sizes)} need {parameter_count(sizes)}"
            )
        self.sizes = tuple(sizes)
        self.activation = activation
        self.layer_norm = layer_norm
        self.params = params
        self.layers = list(layer_views(sizes, params))
        self._workspaces: dict[int, Workspace] = {}

    def workspace(self, batch: int) -> Workspace:
        """The network's own workspace for that batch size, made at its first use."""
        space = self._workspaces.get(batch)
        if space is None:
            space = self._workspaces[batch] = Workspace(self.sizes, batch, self.params.dtype, self.layer_norm)
        return space

    def forward(self, x: Float) -> Float:
        """The network's output for a batch.

        Args:
            x: (B, sizes[0]), in the dtype of the parameters; it must live unchanged until the backward pass.

        Returns:
            (B, sizes[-1]), overwritten by the next forward pass of the same batch size.
        """
        space = self.workspace(x.shape[0])
        space.x = x
        last = len(self.layers) - 1
        for layer, ((w, b), h) in enumerate(zip(self.layers, space.hidden, strict=True)):
            np.matmul(x, w, out=h)
            if layer < last and self.layer_norm:
                _normalise(h, space.normal[layer], space.inverse[layer])
            np.add(h, b, out=h)
            if layer < last:
                self._activate(h, space.scratch[layer])
            x = h
        return x

    def apply(self, x: Float) -> Float:
        """The network's output, each row by itself: it does not depend on the rows beside it.

        Matrix libraries sum the products of a row in an order that depends on where among the others it
        stands; NumPy gives them the rows of a stack of matrices one by one. Nothing is kept for a backward
        pass.

        Args:
            x: (B, sizes[0]).

        Returns:
            (B, sizes[-1]), a new array.
        """
        h = x.astype(self.params.dtype, copy=False)
        last = len(self.layers) - 1
        for layer, (w, b) in enumerate(self.layers):
            h = np.matmul(h[:, None, :], w)[:, 0]
            if layer < last and self.layer_norm:
                _normalise(h, np.empty_like(h), np.empty((len(h), 1), h.dtype))
            h += b
            if layer < last:
                self._activate(h, np.empty_like(h))
        return h

    def backward(self, d_out: Float, d_params: Float | None, d_x: Float | None = None) -> None:
        """Gradients of the parameters, from those of the output of the last forward pass of that batch size.

        Args:
            d_out: (B, sizes[-1]) gradient of the loss with respect to the output.
            d_params: (parameter_count,) is overwritten; None where they are not wanted.
            d_x: (B, sizes[0]) is overwritten with the gradient with respect to the input, where it is wanted.
        """
        space = self.workspace(d_out.shape[0])
        grads = None if d_params is None else list(layer_views(self.sizes, d_params))
        delta = d_out
        for layer in range(len(self.layers) - 1, -1, -1):
            h_in = space.hidden[layer - 1] if layer else space.x
            if grads is not None:
                np.sum(delta, axis=0, out=grads[layer][1])
            if self.layer_norm and layer < len(self.layers) - 1:
                _normalise_backward(delta, space.normal[layer], space.inverse[layer])
            if grads is not None:
                # NumPy without a matrix library, as in the browser, is slow on a transposed left side.
                np.matmul(np.ascontiguousarray(h_in.T), delta, out=grads[layer][0])
            if layer:
                d_in = space.deltas[layer - 1]
                np.matmul(delta, self.layers[layer][0].T, out=d_in)
                self._activate_backward(h_in, d_in, space.scratch[layer - 1])
                delta = d_in
        if d_x is not None:
            np.matmul(delta, self.layers[0][0].T, out=d_x)

    def _activate(self, h: Float, scratch: Float) -> None:
        if self.activation == "tanh":
            np.tanh(h, out=h)
        elif self.activation == "relu":
            np.maximum(h, 0.0, out=h)
        else:  # elu: h where h > 0, else exp(h) - 1
            np.minimum(h, 0.0, out=scratch)
            np.expm1(scratch, out=scratch)
            np.maximum(h, 0.0, out=h)
            np.add(h, scratch, out=h)

    def _activate_backward(self, h: Float, d_h: Float, scratch: Float) -> None:
        """Multiply d_h by the activation's derivative, which each activation gives from its own output h."""
        if self.activation == "tanh":
            np.multiply(h, h, out=scratch)
            np.subtract(1.0, scratch, out=scratch)
        elif self.activation == "relu":
            np.greater(h, 0.0, out=scratch, casting="unsafe")
        else:  # elu: 1 where h > 0, else exp(x) = h + 1
            np.minimum(h, 0.0, out=scratch)
            np.add(scratch, 1.0, out=scratch)
        np.multiply(d_h, scratch, out=d_h)


def _normalise(a: Float, normal: Float, inverse: Float) -> None:
    """Normalise the rows of a (B, n) in place; `normal` (B, n) takes a copy, `inverse` (B, 1) their scale."""
    np.subtract(a, a.mean(axis=1, keepdims=True), out=a)
    np.square(a, out=normal)
    np.divide(1.0, np.sqrt(normal.mean(axis=1, keepdims=True) + NORM_EPSILON), out=inverse)
    np.multiply(a, inverse, out=a)
    normal[...] = a


def _normalise_backward(d: Float, normal: Float, inverse: Float) -> None:
    """Turn the gradient d (B, n) by the normalised rows y into that by the rows before, in place.

    d_a = (d - mean(d) - y mean(d y)) / sqrt(var(a) + NORM_EPSILON)
    """
    along = (d * normal).mean(axis=1, keepdims=True)
    np.subtract(d, d.mean(axis=1, keepdims=True), out=d)
    np.subtract(d, normal * along, out=d)
    np.multiply(d, inverse, out=d)


def layer_views(sizes: Sequence[int], params: Float) -> Iterator[tuple[Float, Float]]:
    """The weights (in, out) and biases (out,) of each layer, as views of a flat vector."""
    at = 0
    for n_in, n_out in pairwise(sizes):
        weights = params[at : at + n_in * n_out].reshape(n_in, n_out)
        at += n_in * n_out
        yield weights, params[at : at + n_out]
        at += n_out


def orthogonal(n_in: int, n_out: int, gain: float, rng: np.random.Generator) -> Float:
    """(n_in, n_out) float64 weights with orthogonal columns or rows (arXiv:1312.6120), times a gain."""
    tall = rng.standard_normal((max(n_in, n_out), min(n_in, n_out)))
    q, r = np.linalg.qr(tall)
    # The sign of r's diagonal makes the factorisation unique, and so the draw uniform over rotations.
    q = q * np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
    weights: Float = gain * (q if n_in >= n_out else q.T)
    return weights


def initialise(mlp: MLP, output_gain: float, rngs: Sequence[np.random.Generator]) -> None:
    """First parameters: orthogonal weights, biases of zero.

    Args:
        mlp: the network; its parameters are overwritten.
        output_gain: gain of the last layer: 0.01 for a policy's mean, 1 for a value.
        rngs: one generator per layer.
    """
    last = len(mlp.layers) - 1
    for layer, ((w, b), rng) in enumerate(zip(mlp.layers, rngs, strict=True)):
        n_in, n_out = w.shape
        w[...] = orthogonal(n_in, n_out, output_gain if layer == last else HIDDEN_GAIN, rng)
        b[...] = 0.0
