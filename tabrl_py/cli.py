"""The command line, `python -m tabrl_py train|evaluate|export|import|link|tasks`: what the tab has."""

import argparse
import csv
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.algos.training import Training, read_checkpoint
from tabrl_py.config import ALGORITHMS
from tabrl_py.errors import ConfigError, TabrlError
from tabrl_py.policy import Policy, check_fits, load_policy, save_policy
from tabrl_py.policy.exports import FORMATS, export_policy
from tabrl_py.policy.file import parse
from tabrl_py.policy.imports.read import import_policy
from tabrl_py.policy.link import SharedRecipe, policy_link, read_link
from tabrl_py.progress_bar import ProgressBar
from tabrl_py.protocol import Evaluation, Progress
from tabrl_py.sim.description import compile_model, describe
from tabrl_py.sim.models import actuators_of
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.sim.robot_file import read_robot
from tabrl_py.tasks import TASKS, TaskSpec, get_task, own_robot, with_reward
from tabrl_py.tasks.recipes import default_recipe

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
USER_ERROR = 2
MOST_ROWS = 64
"""Episodes that an evaluation simulates side by side."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for an error of the user's, 130 after Ctrl-C."""
    args = _parser().parse_args(arguments)
    try:
        code: int = args.run(args)
    except TabrlError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return USER_ERROR
    except OSError as error:
        print(f"{error.filename or 'file'}: {error.strerror or error}; check the path", file=sys.stderr)
        return USER_ERROR
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tabrl_py", description="Train and evaluate robots natively.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a policy")
    train.add_argument("task", metavar="TASK", nargs="?", help="a task's id; see `tasks`")
    train.add_argument("--algo", choices=tuple(ALGORITHMS), default="ppo")
    train.add_argument("--steps", type=int, metavar="N", help="control steps in all")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="e.g. algo.gamma=0.99"
    )
    train.add_argument("--out", type=Path, default=Path("policy.safetensors"), help="the policy's file")
    train.add_argument("--curve", type=Path, help="write each progress record into this CSV file")
    train.add_argument("--checkpoint", type=Path, help="write the whole run here at the end and on Ctrl-C")
    train.add_argument("--resume", type=Path, metavar="CHECKPOINT", help="go on with a run; needs no task")
    train.add_argument("--start-from", type=Path, metavar="POLICY", help="begin with a policy's weights")
    train.add_argument(
        "--reward", type=Path, metavar="CODE", help="a file of reward code, see docs/rewards.md"
    )
    _add_robot(train)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="run a policy, one deterministic episode per seed")
    evaluate.add_argument("policy", metavar="POLICY", help="a policy file, or `random` with --task")
    evaluate.add_argument("--task", help="for `random`; a policy file knows its own")
    evaluate.add_argument(
        "--seeds", default="10", metavar="SEEDS", help="how many (from 0), or a list: 3,5,8"
    )
    evaluate.add_argument("--json", action="store_true", help="print the evaluation as JSON")
    _add_robot(evaluate)
    evaluate.set_defaults(run=_evaluate)

    export = commands.add_parser("export", help="write a policy for other programs")
    export.add_argument("policy", type=Path, metavar="POLICY", help="a policy file")
    export.add_argument("--format", choices=FORMATS, default="onnx")
    export.add_argument("--out", type=Path, metavar="FILE", help="default: beside the policy")
    export.set_defaults(run=_export)

    imports = commands.add_parser("import", help="make a policy file of another program's policy")
    imports.add_argument(
        "file", type=Path, metavar="FILE", help="an ONNX model, or a Stable-Baselines3 PPO zip"
    )
    imports.add_argument("--task", default="", help="where the policy fits several tasks")
    imports.add_argument("--normalizer", type=Path, metavar="PKL", help="what VecNormalize saved")
    imports.add_argument("--out", type=Path, metavar="FILE", help="default: beside the file")
    imports.set_defaults(run=_import)

    link = commands.add_parser("link", help="print the link of a policy, or write the policy of a link")
    link.add_argument("what", metavar="POLICY|LINK", help="a policy file, or an address that ends in #p=...")
    link.add_argument("--name", help="what to call it; its task's title else")
    link.add_argument("--f16", action="store_true", help="16 bits a weight in place of 8: longer, closer")
    link.add_argument("--page", default="http://127.0.0.1:8080/", metavar="URL", help="that opens the link")
    link.add_argument("--out", type=Path, default=Path("policy.safetensors"), help="for the policy of a link")
    link.set_defaults(run=_link)

    tasks = commands.add_parser("tasks", help="list the tasks")
    tasks.set_defaults(run=_tasks)
    return parser


def _add_robot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--robot", type=Path, metavar="FILE", help="a robot of your own, MJCF or zip, in place of a task"
    )
    parser.add_argument("--goal", default="", help=f"of that robot: {', '.join(own_robot.REWARDS)}")


def _robot(args: argparse.Namespace) -> tuple[TaskSpec, str | None]:
    """The task that the arguments name, and the model of a robot of the person's own."""
    if args.robot is None:
        if args.goal:
            raise ConfigError(f"--goal {args.goal} is for --robot; shipped tasks have their own reward")
        if args.task is None:
            raise ConfigError(f"train needs a task, --robot or --resume; the tasks are {', '.join(TASKS)}")
        return get_task(args.task), None
    if args.task is not None:
        raise ConfigError(f"give either the task {args.task} or --robot {args.robot}")
    text = read_robot(args.robot)
    description = describe(compile_model(text, args.robot.name))
    wished = own_robot.Choices(args.robot.stem.replace("_", " ")[: own_robot.LONGEST_TITLE], args.goal)
    proposal = own_robot.propose(description, wished, own_robot.text_hash(text))
    for note in proposal.notes:
        print(note, file=sys.stderr)
    return proposal.task, text


def _train(args: argparse.Namespace) -> int:
    training, model_text = _training(args)
    bar = ProgressBar(training.recipe.total_steps, sys.stderr)
    with _curve(args.curve) as write_record, _interrupts() as interrupted:
        while not training.finished and not interrupted:
            record = training.advance()
            if record is not None:
                write_record(record)
                bar.show(record)
    bar.close()
    policy = training.policy()
    if not interrupted:
        evaluation = _run_evaluation(policy, training.task, range(10), model_text)
        policy = training.policy(dataclasses.asdict(evaluation))
        print(_summary(evaluation))
    _write(args.out, save_policy(policy))
    print(f"policy after {training.steps} steps: {args.out}")
    if interrupted and args.checkpoint is None:
        args.checkpoint = args.out.with_suffix(".checkpoint.safetensors")
    if args.checkpoint is not None:
        _write(args.checkpoint, training.checkpoint())
        print(f"whole run: {args.checkpoint}; go on with `train --resume {args.checkpoint}`")
    return INTERRUPTED if interrupted else 0


def _training(args: argparse.Namespace) -> tuple[Training, str | None]:
    """The run that the arguments ask for, at its beginning or where its checkpoint left it; its own model."""
    if args.resume is not None:
        return _resumed(args)
    task, text = _robot(args)
    changes = dict(_setting(text) for text in args.set)
    given = {"total_steps": args.steps, "seed": args.seed}
    changes |= {name: value for name, value in given.items() if value is not None}
    if args.reward is not None:
        changes["reward"] = args.reward.read_text(encoding="utf-8")
    recipe = default_recipe(task, args.algo, changes)
    task = with_reward(task, recipe.reward)
    training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs, model_text=text))
    if args.start_from is not None:
        training.start_from(load_policy(args.start_from.read_bytes()))
    return training, text


def _resumed(args: argparse.Namespace) -> tuple[Training, str | None]:
    data = args.resume.read_bytes()
    _, texts = read_checkpoint(data)
    given = args.task
    if args.robot is None:
        args.task = texts["task"]
    task, text = _robot(args)
    others = args.steps or args.seed is not None or args.set or args.start_from or args.reward
    if given not in (None, texts["task"]) or task.id != texts["task"] or others:
        raise ConfigError(
            f"--resume goes on with the run of {texts['task']} as it was begun; give no other settings"
        )
    recipe = parse(texts, "recipe", dict)
    task = with_reward(task, str(recipe.get("reward", "")))
    sim = NativeBatchSim(task, int(recipe.get("n_envs", 1)), model_text=text)
    return Training.resume(data, task, sim), text


def _setting(text: str) -> tuple[str, Any]:
    """The name and value of NAME=VALUE; numbers, true, false and lists (64,32) are read as such."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text} is not NAME=VALUE; write e.g. --set algo.gamma=0.99")
    listed = f"[{value}]" if "," in value and not value.startswith("[") else value
    if name == "network.hidden" and not listed.startswith("["):
        listed = f"[{value}]"
    try:
        return name, json.loads(listed)
    except ValueError:
        return name, value


def _evaluate(args: argparse.Namespace) -> int:
    policy = None if args.policy == "random" else load_policy(Path(args.policy).read_bytes())
    if policy is None and args.task is None and args.robot is None:
        raise ConfigError("evaluating random actions needs --task; see `python -m tabrl_py tasks`")
    if args.task is None and args.robot is None and policy is not None:
        args.task = policy.task
    task, text = _robot(args)
    if policy is not None:
        check_fits(policy, task)
        task = with_reward(task, policy.reward)
    evaluation = _run_evaluation(policy, task, _seeds(args.seeds), text)
    print(json.dumps(dataclasses.asdict(evaluation)) if args.json else _summary(evaluation))
    return 0


def _export(args: argparse.Namespace) -> int:
    policy = load_policy(args.policy.read_bytes())
    actuators = actuators_of(policy.model) if args.format == "onnx" else ()
    out = args.out or args.policy.with_suffix(f".{args.format}")
    _write(out, export_policy(policy, args.format, actuators))
    print(f"{policy.task} as {args.format}: {out}")
    return 0


def _import(args: argparse.Namespace) -> int:
    if args.task:
        get_task(args.task)
    statistics = args.normalizer.read_bytes() if args.normalizer is not None else None
    policy = import_policy(args.file.read_bytes(), args.task, statistics)
    if args.task not in ("", policy.task):
        raise ConfigError(f"{args.file} acts in task {policy.task}, not in {args.task}; choose that one")
    out = args.out or args.file.with_suffix(".safetensors")
    _write(out, save_policy(policy))
    print(f"policy of {policy.task}: {out}")
    return 0


def _link(args: argparse.Namespace) -> int:
    if "#" not in args.what:
        policy = load_policy(Path(args.what).read_bytes())
        name = args.name or get_task(policy.task).title
        made = f"{policy.steps} steps"
        print(args.page + policy_link(policy, name, made, precision="f16" if args.f16 else "int8"))
        return 0
    shared = read_link(args.what)
    if isinstance(shared, SharedRecipe):
        # Only shown: its reward is somebody else's code.
        print(json.dumps(shared.recipe.to_json(), indent=1))
        return 0
    _write(args.out, save_policy(shared.policy))
    print(f"{shared.name!r}, for {shared.policy.task}, {shared.policy.steps} steps: {args.out}")
    return 0


def _seeds(text: str) -> Sequence[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    seeds: Sequence[int] = range(numbers[0]) if len(numbers) == 1 else numbers
    if not seeds or min(seeds) < 0 or max(seeds) >= 2**32:
        raise ConfigError(f"--seeds {text} is neither a count nor a list of whole numbers; write 10 or 3,5,8")
    return seeds


def _run_evaluation(
    policy: Policy | None, task: TaskSpec, seeds: Sequence[int], model_text: str | None
) -> Evaluation:
    sim = NativeBatchSim(task, min(len(seeds), MOST_ROWS), model_text=model_text)
    evaluator = Evaluator(policy, task, sim, seeds)
    while (evaluation := evaluator.advance()) is None:
        pass
    sim.close()
    return evaluation


def _summary(evaluation: Evaluation) -> str:
    n = len(evaluation.seeds)
    length = sum(evaluation.lengths) / n
    line = (
        f"return {evaluation.return_mean:.1f} (std {evaluation.return_std:.1f}), length {length:.0f} steps, "
        f"{sum(evaluation.terminated)} of {n} episodes terminated"
    )
    if evaluation.distances:
        line += f", {sum(evaluation.distances) / n:.2f} m"
    return line


def _tasks(_args: argparse.Namespace) -> int:
    width = max(len(task_id) for task_id in TASKS)
    for task in TASKS.values():
        sizes = f"{task.obs_size:3d} observations {task.action_size:2d} actions"
        print(f"{task.id:{width}}  {sizes}  {task.summary}")
    return 0


def _write(path: Path, data: bytes) -> None:
    """Write beside and then switch, so that no failure leaves half a file."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    os.replace(beside, path)


@contextmanager
def _interrupts() -> Iterator[list[bool]]:
    """A list that Ctrl-C fills, so that the loop ends between two pieces of work; a second Ctrl-C kills."""
    hits: list[bool] = []

    def note(_signal: int, _frame: object) -> None:
        hits.append(True)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield hits
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _curve(path: Path | None) -> Iterator[Any]:
    """A function that writes a progress record as a line of a CSV file; without a path it does nothing."""
    if path is None:
        yield lambda record: None
        return
    with path.open("w", newline="") as file:
        names: list[str] = []
        writer = csv.writer(file)

        def write(record: Progress) -> None:
            row = _flat(dataclasses.asdict(record))
            if not names:
                names.extend(row)
                writer.writerow(names)
            writer.writerow([row.get(name, "") for name in names])
            file.flush()

        yield write


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """One level: {"reward_terms": {"alive": 1}} becomes {"reward_terms.alive": 1}; None an empty field."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = "" if value is None else value
    return flat
