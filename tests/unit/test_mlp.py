"""The MLP: by hand, by finite differences in float64, and its layout in one vector."""

import numpy as np
import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.mlp import MLP, initialise, layer_views, orthogonal, parameter_count

SIZES = (3, 5, 4, 2)


def _network(activation: str, seed: int = 0, *, layer_norm: bool = False) -> MLP:
    params = np.random.default_rng(seed).standard_normal(parameter_count(SIZES)) * 0.7
    return MLP(SIZES, activation, params, layer_norm=layer_norm)


def test_forward_by_hand() -> None:
    # h = tanh([1, 2] @ [[1], [0.5]] - 1) = tanh(1); y = 3 h + 0.25
    mlp = MLP((2, 1, 1), "tanh", np.array([1.0, 0.5, -1.0, 3.0, 0.25]))
    assert mlp.forward(np.array([[1.0, 2.0]]))[0, 0] == pytest.approx(3.0 * np.tanh(1.0) + 0.25, abs=1e-15)


@pytest.mark.parametrize(
    ("activation", "x", "expected"),
    [("relu", -2.0, 0.0), ("relu", 2.0, 2.0), ("elu", -1.0, np.exp(-1.0) - 1.0)],
)
def test_activations_by_hand(activation: str, x: float, expected: float) -> None:
    mlp = MLP((1, 1, 1), activation, np.array([1.0, 0.0, 1.0, 0.0]))
    assert mlp.forward(np.array([[x]]))[0, 0] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "elu"])
def test_backward_equals_finite_differences(activation: str, layer_norm: bool) -> None:
    mlp = _network(activation, layer_norm=layer_norm)
    rng = np.random.default_rng(1)
    x, d_out = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    mlp.forward(x)
    grads = np.empty_like(mlp.params)
    mlp.backward(d_out, grads)
    eps = 1e-6
    for i in range(mlp.params.size):
        kept = mlp.params[i]
        mlp.params[i] = kept + eps
        above = float((mlp.forward(x) * d_out).sum())
        mlp.params[i] = kept - eps
        below = float((mlp.forward(x) * d_out).sum())
        mlp.params[i] = kept
        assert grads[i] == pytest.approx((above - below) / (2 * eps), rel=1e-6, abs=1e-7), i


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "elu"])
def test_the_gradient_of_the_input_equals_finite_differences(activation: str, layer_norm: bool) -> None:
    mlp = _network(activation, layer_norm=layer_norm)
    rng = np.random.default_rng(2)
    x, d_out = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    mlp.forward(x)
    grads, alone, both = np.empty_like(mlp.params), np.empty_like(x), np.empty_like(x)
    mlp.backward(d_out, None, alone)
    mlp.backward(d_out, grads, both)
    assert np.array_equal(alone, both)
    eps = 1e-6
    for at in np.ndindex(*x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][at] += eps
        moved[1][at] -= eps
        above, below = (float((mlp.forward(y) * d_out).sum()) for y in moved)
        assert alone[at] == pytest.approx((above - below) / (2 * eps), rel=1e-6, abs=1e-7), at


def test_without_hidden_layers_it_is_one_matrix() -> None:
    mlp = MLP((2, 1), "tanh", np.array([3.0, -1.0, 0.5]))
    x, grads, d_x = np.array([[1.0, 2.0]]), np.empty(3), np.empty((1, 2))
    assert mlp.forward(x).tolist() == [[1.5]]
    mlp.backward(np.array([[2.0]]), grads, d_x)
    assert grads.tolist() == [2.0, 4.0, 2.0]
    assert d_x.tolist() == [[6.0, -2.0]]


def test_layer_norm_by_hand() -> None:
    # sums [1, 3] are normalised to [-1, 1]; biases [1, -1] make [0, 0]; only the last bias is left
    mlp = MLP((1, 2, 1), "relu", np.array([1.0, 3.0, 1.0, -1.0, 5.0, 7.0, 0.25]), layer_norm=True)
    assert mlp.forward(np.array([[1.0]]))[0, 0] == pytest.approx(0.25, abs=1e-4)
    # with the biases swapped: relu([-1 - 1, 1 + 1]) @ [5, 7] + 0.25
    mlp = MLP((1, 2, 1), "relu", np.array([1.0, 3.0, -1.0, 1.0, 5.0, 7.0, 0.25]), layer_norm=True)
    assert mlp.forward(np.array([[1.0]]))[0, 0] == pytest.approx(14.25, abs=1e-4)


def test_layer_norm_does_not_see_the_scale_of_its_input() -> None:
    mlp = _network("tanh", layer_norm=True)
    first = mlp.layers[0][0]
    x = np.random.default_rng(0).standard_normal((7, 3))
    before = mlp.forward(x).copy()
    first *= 100.0
    assert mlp.forward(x) == pytest.approx(before, abs=1e-3)


def test_a_pass_of_one_batch_size_leaves_another_alone() -> None:
    mlp = _network("tanh")
    small, large = np.ones((1, 3)), np.full((4, 3), 0.5)
    first = mlp.forward(small).copy()
    mlp.forward(large)
    assert np.array_equal(mlp.forward(small), first)


def test_the_layers_are_views_of_the_vector() -> None:
    params = np.zeros(parameter_count(SIZES))
    views = list(layer_views(SIZES, params))
    views[1][0][4, 3] = 1.0
    views[2][1][1] = 2.0
    assert params[3 * 5 + 5 + 4 * 4 + 3] == 1.0
    assert params[-1] == 2.0


def test_float32_stays_float32() -> None:
    mlp = MLP(SIZES, "elu", np.zeros(parameter_count(SIZES), np.float32))
    assert mlp.forward(np.zeros((2, 3), np.float32)).dtype == np.float32


@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (4, 4)])
def test_orthogonal_weights_are_orthogonal(shape: tuple[int, int]) -> None:
    w = orthogonal(*shape, 2.0, np.random.default_rng(0))
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    assert w.shape == shape
    assert gram == pytest.approx(4.0 * np.eye(min(shape)), abs=1e-12)


def test_initial_gains() -> None:
    mlp = _network("tanh")
    initialise(mlp, 0.01, [np.random.default_rng(i) for i in range(3)])
    gains = [float(np.linalg.svd(w, compute_uv=False).max()) for w, _ in mlp.layers]
    assert gains == pytest.approx([2**0.5, 2**0.5, 0.01], abs=1e-12)
    assert all((b == 0.0).all() for _, b in mlp.layers)


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="activation='sine'"):
        MLP(SIZES, "sine", np.zeros(parameter_count(SIZES)))
    with pytest.raises(ValueError, match="params has the shape"):
        MLP(SIZES, "tanh", np.zeros(3))


def test_actor_and_critic_share_one_vector_and_no_number() -> None:
    nets = ActorCritic(3, 2, (4,), "tanh")
    nets.init(5, -0.7)
    assert nets.log_std.tolist() == pytest.approx([-0.7, -0.7])
    before = nets.values(np.ones((3, 3), np.float32)).copy()
    nets.params[: nets.actor_size] = 9.0
    assert np.array_equal(nets.values(np.ones((3, 3), np.float32)), before)
    nets.d_critic[...] = 1.0
    assert nets.grads.sum() == nets.critic.params.size


def test_values_do_not_depend_on_the_chunk() -> None:
    nets = ActorCritic(3, 2, (4,), "tanh", np.float64)
    nets.init(5, 0.0)
    obs = np.random.default_rng(0).standard_normal((10, 3))
    assert nets.values(obs, chunk=3) == pytest.approx(nets.values(obs), abs=1e-14)
