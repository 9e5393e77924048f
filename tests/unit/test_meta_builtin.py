"""What the built-in designer begins with."""

from __future__ import annotations

import numpy as np

from tabrl_py.meta import Loop
from tabrl_py.meta.builtin import BuiltinDesigner
from tabrl_py.meta.genome import reward_code
from tabrl_py.meta.starts import shipped_genome
from tabrl_py.rewards.check import check_source
from tabrl_py.rewards.compiled import compile_source
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.rewards.library import compute_reward
from tabrl_py.rewards.state import State
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tests.asynchronous import awaited
from tests.unit.test_meta_loop import brief, do

SAME_TERMS = {
    "alive": "alive", "forward": "speed_along_x", "heading": "facing", "sideways": "drift",
    "control": "effort", "tilt": "tilt", "change": "change", "gait": "in_time", "flight": "flight",
}  # fmt: skip
"""Of go_forward, and what the library calls them."""


def test_the_first_generation_begins_with_what_is_known() -> None:
    def first(designer: BuiltinDesigner, **changes: object) -> list[str]:
        loop = Loop(brief(members=4, **changes))
        while loop.state.stage != "asking":
            do(loop, loop.commands()[0])
        question = loop.commands()[0].question
        assert question is not None
        answer = awaited(designer.answer(question, loop.state))
        for proposal in answer.proposals.values():
            assert not check_source(proposal.reward, get_task(loop.brief.task))
        return [answer.proposals[slot].rationale.split(":")[0] for slot in range(4)]

    own, shot = "The task's own reward, in terms of the library.", "A first shot"
    fitness = "The fitness itself, with a reward for staying up."
    assert first(BuiltinDesigner()) == [fitness, own, shot, shot]
    # Another fitness than the task's own says nothing about the task's reward.
    assert first(BuiltinDesigner(), fitness="humanoid-hop") == [fitness, shot, shot, shot]
    assert first(BuiltinDesigner(), task="humanoid-stand") == [fitness, shot, shot, shot]
    assert first(BuiltinDesigner(informed=False)) == [shot] * 4


def test_the_tasks_own_reward_says_the_same_in_terms_of_the_library() -> None:
    task = get_task("humanoid-walk")
    genome = shipped_genome(task)
    assert genome is not None
    code = reward_code({**genome, "goal": 0.0}, fitness_source("", task))
    sim = NativeBatchSim(with_signals(task), 8)
    sim.reset()
    rng = np.random.default_rng(0)
    for _ in range(30):
        actions = rng.uniform(-1.0, 1.0, (8, task.action_size)).astype(np.float32)
        sim.step(actions)
        by_name = compute_reward(sim, actions)[1]
        state = State(
            sim.task.signal_slices(), sim.signals, sim.prev_signals, np.asarray(actions, np.float64), sim.dt,
            sim.terminated,
        )  # fmt: skip
        by_code = compile_source(code, sim.task)(state)[1]
        for ours, theirs in SAME_TERMS.items():
            np.testing.assert_allclose(by_code[theirs], by_name[ours], rtol=1e-9, atol=1e-12, err_msg=theirs)
    sim.close()
