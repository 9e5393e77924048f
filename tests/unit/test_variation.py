"""What is drawn for episodes depends on the run's row and the episode alone."""

import numpy as np

from tabrl_py.algos.variation import Variation
from tabrl_py.config import PPOConfig, Recipe
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, sample_reset

TASK = get_task("humanoid-stand")
RECIPE = Recipe("humanoid-stand", seed=5, n_envs=4, algo=PPOConfig(minibatch_size=64))


def test_a_plain_task_draws_its_resets_alone() -> None:
    sim = NativeBatchSim(TASK, 4)
    variation = Variation(TASK, RECIPE, sim)
    variation.start()
    for row in range(4):
        second = sample_reset(TASK, sim.qpos0, sim.nv, stream(5, Purpose.RESET, row, 1))
        np.testing.assert_array_equal(sim.next_init[row], second)


def test_rows_of_a_part_are_those_of_the_whole() -> None:
    whole, part = NativeBatchSim(TASK, 4), NativeBatchSim(TASK, 2)
    Variation(TASK, RECIPE, whole).start()
    Variation(TASK, RECIPE, part, first_row=2).start()
    np.testing.assert_array_equal(part.obs, whole.obs[2:])
    np.testing.assert_array_equal(part.next_init, whole.next_init[2:])


def test_a_loaded_state_goes_on_with_the_same_episodes() -> None:
    first, second = NativeBatchSim(TASK, 4), NativeBatchSim(TASK, 4)
    one, other = Variation(TASK, RECIPE, first), Variation(TASK, RECIPE, second)
    one.start()
    other.start()
    first.terminated[1] = True
    one.after_step()
    other.load_state(one.row_state(), one.run_state())
    second.terminated[1] = True
    other.after_step()
    third = sample_reset(TASK, first.qpos0, first.nv, stream(5, Purpose.RESET, 1, 2))
    fourth = sample_reset(TASK, first.qpos0, first.nv, stream(5, Purpose.RESET, 1, 3))
    np.testing.assert_array_equal(first.next_init[1], third)
    np.testing.assert_array_equal(second.next_init[1], fourth)
