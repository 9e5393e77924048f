"""A policy file means the same in CPython and in Pyodide: the same bytes back, the same actions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest
from playwright.sync_api import Page

from tabrl_py.nn.mlp import MLP, initialise, parameter_count
from tabrl_py.policy import Policy, load_policy, save_policy
from tabrl_py.tasks import TASKS, get_task
from tabrl_py.tasks.spec import TaskSpec

pytestmark = pytest.mark.browser

OBSERVATIONS = 500
READ_AND_ACT = """
import base64
import numpy as np
from tabrl_py.policy import load_policy, save_policy

def read_and_act(data, obs, size):
    data = base64.b64decode(data)
    policy = load_policy(data)
    actions = policy.act(np.frombuffer(base64.b64decode(obs), np.float32).reshape(-1, size))
    return [base64.b64encode(save_policy(policy)).decode(), base64.b64encode(actions.tobytes()).decode()]

read_and_act
"""
START = """async (code) => {
  const { boot } = await import(new URL("workers/boot.js", location.href).href);
  const { pyodide } = await boot(() => {});
  const act = pyodide.runPython(code);
  window.readAndAct = (data, obs, size) => act(data, obs, size).toJs();
}"""


def first_policy(task: TaskSpec, activation: str) -> Policy:
    """A policy as training begins with, but for a last layer of gain 1, and with a normaliser at work."""
    rng = np.random.default_rng(5)
    sizes = (task.obs_size, 64, 32, task.action_size)
    params = np.zeros(parameter_count(sizes) + task.action_size, np.float32)
    network = MLP(sizes, activation, params[: -task.action_size])
    initialise(network, 1.0, [rng] * len(network.layers))
    return Policy(
        task=task.id,
        model=task.model,
        layout_version=task.layout_version,
        sizes=sizes,
        activation=activation,
        action_low=task.action_low,
        action_high=task.action_high,
        params=params,
        obs_mean=rng.normal(size=task.obs_size),
        obs_var=rng.uniform(0.1, 4.0, task.obs_size),
        obs_count=1000.0,
        steps=1000,
    )


@pytest.fixture
def tab(open_page: Callable[..., Page], plain_url: str) -> Page:
    page: Page = open_page(plain_url)
    page.evaluate(START, READ_AND_ACT)
    return page


def test_a_policy_acts_the_same_and_is_written_the_same(tab: Page) -> None:
    rng = np.random.default_rng(6)
    for task, activation in zip(TASKS.values(), cycle(["tanh", "relu", "elu"]), strict=False):
        policy = first_policy(task, activation)
        assert policy.obs_mean is not None
        assert policy.obs_var is not None
        data = save_policy(policy)
        draws = rng.standard_normal((OBSERVATIONS, task.obs_size))
        obs = (policy.obs_mean + np.sqrt(policy.obs_var) * draws).astype(np.float32)
        written, acted = tab.evaluate(
            "([data, obs, size]) => readAndAct(data, obs, size)",
            [base64.b64encode(data).decode(), base64.b64encode(obs.tobytes()).decode(), task.obs_size],
        )
        assert base64.b64decode(written) == data == save_policy(load_policy(data))
        actions = np.frombuffer(base64.b64decode(acted), np.float32).reshape(OBSERVATIONS, -1)
        expected = load_policy(data).act(obs)
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(actions, expected, rtol=0, atol=1e-6, err_msg=task.id)
    assert get_task("humanoid-stand").obs_size == 72
