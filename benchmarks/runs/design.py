"""One part of `bench loop`, in a process of its own; its last line is the result as JSON.

loop      the built-in designer's loop: members x generations x steps, weights go on
random    first shots of the same designer: as many members, each as long as a whole lineage of the loop
hand      the task's shipped reward, one training of all those steps
rung      one reward of the ladder, trained for so many steps
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
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.rewards.measure import measure_fitness
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tabrl_py.tasks.recipes import recipe_task

MEMBERS, GENERATIONS = 4, 3
SEEDS = range(100, 110)
"""Of the evaluation episodes; a loop's own (tabrl_py/meta/brief.py)."""


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


def _brief(args: argparse.Namespace, **changes: Any) -> Brief:  # noqa: ANN401
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


def _designed(args: argparse.Namespace, brief: Brief) -> dict[str, Any]:
    loop = run(Loop(brief), BuiltinDesigner(), Workshop())
    members = list(loop.state.members.values())
    best = loop.state.winner
    return {
        "fitness": None if best is None else best.fitness,
        "winner": None if best is None else best.id,
        "metrics": {} if best is None else best.metrics,
        "by_generation": loop.state.best_by_generation(),
        "steps": loop.state.steps,
        "members": {member.id: member.fitness for member in members},
        "reward": "" if best is None else best.proposal.reward,
        "ledger_hash": loop.ledger.hash,
    }


def _trained(
    args: argparse.Namespace, reward: str, settings: dict[str, Number], steps: int
) -> dict[str, Any]:
    recipe: Recipe = recipe_of(Proposal("", "", reward, settings), args.task, 500 + args.seed, steps)
    task = recipe_task(recipe)
    training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs))
    while not training.finished:
        training.advance()
    task = get_task(args.task)
    sim = NativeBatchSim(with_signals(task), len(SEEDS))
    report = measure_fitness(training.policy(), task, args.fitness, sim, SEEDS)
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
        result = _designed(args, _brief(args, pbt=True, **sizes))
    elif args.part == "random":
        sizes = {"members": MEMBERS, "generations": 1, "steps_per_member": args.steps * GENERATIONS}
        result = _designed(args, _brief(args, **sizes))
    elif args.part == "hand":
        result = _trained(args, "", {}, args.steps * MEMBERS * GENERATIONS)
    else:
        code = reward_code(ladder()[args.rung], fitness_source(args.fitness, get_task(args.task)))
        result = _trained(args, code, {}, args.steps)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
