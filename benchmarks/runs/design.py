"""One part of `bench loop`, in a process of its own; its last line is the result as JSON.

loop      the built-in designer's loop: members x generations x steps, weights go on, and each generation has
          half as many members, which train for twice as long
random    rewards that the same designer draws: as many members, each as long as a whole lineage of the loop
hand      a reward written by hand, one training of all those steps: the shipped one, for hopping HOP_REWARD
rung      one reward of the ladder, trained for so many steps

The fitness told of each is measured on seeds that no search has seen: a search keeps the best of what it
measured, which flatters it on the seeds it measured with.
"""

import argparse
import json
from typing import Any

from tabrl_py.algos.training import Training
from tabrl_py.config import Recipe
from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.builtin import BuiltinDesigner
from tabrl_py.meta.genome import Genome, reward_code
from tabrl_py.meta.native import Workshop, run
from tabrl_py.meta.proposal import Number, Proposal, recipe_of
from tabrl_py.policy import Policy, load_policy
from tabrl_py.rewards.fitness import HOP, fitness_source
from tabrl_py.rewards.measure import FitnessReport, measure_fitness
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tabrl_py.tasks.recipes import recipe_task

MEMBERS, GENERATIONS = 4, 3
SEEDS = range(20_000, 20_020)
"""Of the episodes that judge; a loop's own begin at 100 (tabrl_py/meta/brief.py)."""
HOP_REWARD = """\
def reward(s):
    left = np.where(s.soles[:, 1] > 5.0, 1.0, 0.0)
    terms = {
        "alive": 1.0 * alive(s),
        "forward": 2.0 * speed_along_x(s, target=0.8),
        "bounce": 1.0 * np.minimum(np.abs(s.com_velocity[:, 2]), 0.6),
        "left_up": 1.0 * lifted(s, side=-1.0) - 1.0 * left,
        "tilt": -4.0 * tilt(s),
        "drift": -0.5 * drift(s),
        "change": -0.1 * change(s),
    }
    return sum(terms.values()), terms
"""
"""Hopping on the right leg: no task is shipped for it, so this was written for the comparison, not tuned."""
HAND: dict[str, tuple[str, dict[str, Number]]] = {HOP: (HOP_REWARD, {"algo.symmetry": "none"})}
"""Reward and settings by fitness; the task's own elsewhere."""


def ladder() -> list[Genome]:
    """12 rewards of walking, the best first: ever less goal, ever more effort and stillness."""
    rungs: list[Genome] = []
    for rung in range(12):
        share = rung / 11
        terms: dict[str, Any] = {
            "alive": {"weight": 1.0, "arguments": {}},
            "tilt": {"weight": round(-3.0 * (1.0 - share), 4), "arguments": {}},
            "effort": {"weight": round(-0.1 - 1.9 * share, 4), "arguments": {}},
            "motion": {"weight": round(-2.0 * share, 4), "arguments": {}},
        }
        rungs.append({"goal": round(6.0 * (1.0 - share) ** 2, 4), "terms": terms, "settings": {}})
    return rungs


def _brief(args: argparse.Namespace, **changes: Any) -> Brief:  # noqa: ANN401 - Brief's own
    return Brief(
        text=args.fitness,
        task=args.task,
        fitness=args.fitness,
        seed=args.seed,
        max_seconds=10_000_000.0,
        final_seeds=0,
        final_steps=256,
        **changes,
    )


def _designed(args: argparse.Namespace, brief: Brief, designer: BuiltinDesigner) -> dict[str, Any]:
    workshop = Workshop()
    loop = run(Loop(brief), designer, workshop)
    members = list(loop.state.members.values())
    best = loop.state.winner
    report = None
    if best is not None and best.policy is not None:
        report = _judged(args, load_policy(workshop.policies[best.policy]))
    return {
        "fitness": 0.0 if report is None else report.fitness,
        "metrics": {} if report is None else report.metrics,
        "winner": None if best is None else best.id,
        "searched": None if best is None else best.fitness,
        "by_generation": loop.state.best_by_generation(),
        "steps": loop.state.steps,
        "members": {member.id: member.fitness for member in members},
        "reward": "" if best is None else best.proposal.reward,
        "ledger_hash": loop.ledger.hash,
    }


def _judged(args: argparse.Namespace, policy: Policy) -> FitnessReport:
    task = get_task(args.task)
    sim = NativeBatchSim(with_signals(task), len(SEEDS))
    return measure_fitness(policy, task, args.fitness, sim, SEEDS)


def _trained(
    args: argparse.Namespace, reward: str, settings: dict[str, Number], steps: int
) -> dict[str, Any]:
    recipe: Recipe = recipe_of(Proposal("", "", reward, settings), args.task, 500 + args.seed, steps)
    task = recipe_task(recipe)
    training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs))
    while not training.finished:
        training.advance()
    report = _judged(args, training.policy())
    return {"fitness": report.fitness, "metrics": report.metrics, "steps": training.steps}


def main() -> None:
    """Run the part that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("loop", "random", "hand", "rung"))
    parser.add_argument("--task", required=True)
    parser.add_argument("--fitness", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="per member and generation; a rung: all")
    parser.add_argument("--rung", type=int, default=0)
    args = parser.parse_args()
    if args.part == "loop":
        sizes = {"members": MEMBERS, "generations": GENERATIONS, "steps_per_member": args.steps}
        result = _designed(args, _brief(args, pbt=True, narrow=True, **sizes), BuiltinDesigner())
    elif args.part == "random":
        sizes = {"members": MEMBERS, "generations": 1, "steps_per_member": args.steps * GENERATIONS}
        result = _designed(args, _brief(args, **sizes), BuiltinDesigner(informed=False))
    elif args.part == "hand":
        reward, settings = HAND.get(args.fitness, ("", {}))
        result = _trained(args, reward, settings, args.steps * MEMBERS * GENERATIONS)
    else:
        code = reward_code(ladder()[args.rung], fitness_source(args.fitness, get_task(args.task)))
        result = _trained(args, code, {}, args.steps)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
