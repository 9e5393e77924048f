"""The Gymnasium wrapper keeps Gymnasium's rules."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import tabrl_py.gym
from tabrl_py.errors import ConfigError
from tabrl_py.tasks import TASKS

CHECKED = ("humanoid-stand", "humanoid-walk-torque", "InvertedPendulum-v5", "Humanoid-v5")


@pytest.mark.parametrize("task_id", CHECKED)
# What an action or a position may be is the robot's affair: these two are advice, not rules.
@pytest.mark.filterwarnings("ignore:.*A Box observation space m:UserWarning")
@pytest.mark.filterwarnings("ignore:.*we recommend using a symmetric and normalized space:UserWarning")
def test_env_checker_accepts_it(task_id: str) -> None:
    env = gymnasium.make(f"tabrl_py.gym:{tabrl_py.gym.env_id(task_id)}")
    check_env(env.unwrapped)
    env.close()


def test_every_task_is_registered() -> None:
    assert {tabrl_py.gym.env_id(task_id) for task_id in TASKS} == {
        env_id for env_id in gymnasium.registry if env_id.startswith("TabRL/")
    }
    assert "TabRL/humanoid-stand-v0" in gymnasium.registry
    assert "TabRL/Hopper-v5" in gymnasium.registry


def test_same_seed_gives_the_same_episode_and_another_seed_another() -> None:
    def returns(seed: int) -> tuple[float, bytes]:
        env = gymnasium.make("TabRL/humanoid-stand-v0")
        obs, _ = env.reset(seed=seed)
        env.action_space.seed(seed)
        total = 0.0
        for _ in range(30):
            obs, reward, *_ = env.step(env.action_space.sample())
            total += float(reward)
        env.close()
        return total, obs.tobytes()

    assert returns(1) == returns(1)
    assert returns(1) != returns(2)


def test_episode_ends_with_its_true_last_observation_and_its_terms_add_up() -> None:
    env = gymnasium.make("TabRL/InvertedPendulum-v5")
    env.reset(seed=0)
    push_right = np.array([3.0], np.float32)
    for _ in range(100):
        obs, reward, terminated, truncated, info = env.step(push_right)
        assert info == {"reward_alive": reward}
        if terminated:
            break
    assert terminated
    assert not truncated
    assert abs(obs[1]) > 0.2
    assert reward == 0.0
    fresh, _ = env.reset()
    assert np.abs(fresh).max() <= 0.01
    env.close()


def test_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"humanoid-sit.*humanoid-stand"):
        tabrl_py.gym.TabrlEnv("humanoid-sit")
