"""SAC's gradients with the compiled passes equal those of NumPy in float64."""

import numpy as np
import pytest

from tabrl_py.nn.kernels import CompiledMLP, Library
from tabrl_py.nn.mlp import MLP
from tabrl_py.nn.sac_loss import Transitions, actor_gradient, critic_gradient, critic_targets
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.types import Float

OBS, A, B = 17, 6, 255


def _nets(dtype: type[np.floating], layer_norm: bool) -> SoftActorCritic:
    return SoftActorCritic(OBS, A, (33, 64), "relu", dtype, layer_norm=layer_norm)


def _batch(dtype: type[np.floating]) -> tuple[Transitions, Float]:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(shape) for shape in ((B, OBS), (B, A), (B,), (B, OBS), (2, B, A))]
    obs, actions, rewards, next_obs, noise = (array.astype(np.float32).astype(dtype) for array in arrays)
    ended = (np.arange(B) % 5 == 0).astype(dtype)
    return Transitions(obs, np.clip(actions, -1.0, 1.0), rewards, next_obs, ended), noise


@pytest.mark.parametrize("layer_norm", [False, True])
def test_gradients_are_those_of_numpy(library: Library, layer_norm: bool) -> None:
    ours, reference = _nets(np.float32, layer_norm), _nets(np.float64, layer_norm)
    ours.init(3, -0.5, 1.0)
    reference.params[...], reference.targets[...] = ours.params, ours.targets

    def compiled(mlp: object) -> CompiledMLP:
        assert isinstance(mlp, MLP)
        return CompiledMLP(library, mlp)

    ours.actor = compiled(ours.actor)
    ours.critics = [compiled(critic) for critic in ours.critics]
    ours.target_critics = [compiled(target) for target in ours.target_critics]

    found: list[Float] = []
    expected: list[Float] = []
    for nets, dtype, into in ((ours, np.float32, found), (reference, np.float64, expected)):
        batch, noise = _batch(dtype)
        targets = critic_targets(nets, batch, noise[1], 0.3, 0.99)
        critic_loss, _ = critic_gradient(nets, batch, targets)
        actor_loss, drawn = actor_gradient(nets, batch.obs, noise[0], 0.3)
        into += [targets, nets.d_both_critics, nets.d_actor, drawn.action, drawn.log_prob]
        into += [np.array(critic_loss), np.array(actor_loss)]
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()
