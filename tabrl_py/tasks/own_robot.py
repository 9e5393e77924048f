"""A task for a robot that somebody brought: made of what its compiled model has, and of a few choices.

The proposal is a function of plain data (sim/description.py, or web/workers/robot/description.js), the
same everywhere. So such a task travels as the data it was made of, and whoever
receives it makes it again and compares. docs/own_robots.md says how a task is proposed.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tabrl_py.errors import ConfigError, ModelError
from tabrl_py.tasks.registry import OWN
from tabrl_py.tasks.spec import Bound, ObsField, ResetSpec, RewardSpec, SignalField, TaskSpec

GROUP = "Your robots"
CONTROL_STEP_S = 0.02
EPISODE_S = 20.0
FALL_SHARE = 0.5
LIES_BELOW = 0.3
"""A robot whose root is lower than this share of its length lies already, and cannot fall."""
MOST_OBSERVED = 1024
LONGEST_TITLE = 60
REWARDS = {
    "forward": "Go forward, along x",
    "stay": "Stay upright and in place",
    "rise": "Raise its centre of mass",
    "reach": "Reach out along x",
}
_PPO = {
    "n_envs": 32,
    "total_steps": 1_000_000,
    "network.hidden": [64, 64],
    "network.init_log_std": -0.5,
    "algo.n_epochs": 10,
    "algo.minibatch_size": 128,
    "algo.learning_rate": 4e-4,
    "algo.lr_schedule": "linear",
    "algo.lr_final": 0.1,
}
"""As for Gymnasium's robots: small rollouts, many small steps on each, a rate that sinks."""


@dataclass(frozen=True)
class Choices:
    """What a person may change of a proposal; empty and 0 ask for what is proposed.

    Attributes:
        title: what the page calls the task.
        reward: a name of REWARDS that suits the robot.
        frame_skip: physics steps per control step.
        time_limit: control steps per episode.
        fall_share: the episode ends when the root is below this share of its first height; 0 for never,
            None for what is proposed.
    """

    title: str = ""
    reward: str = ""
    frame_skip: int = 0
    time_limit: int = 0
    fall_share: float | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Choices":
        """The choices of a record.

        Raises:
            ConfigError: a name or a type is wrong, or a number out of its limits.
        """
        kinds = {"title": str, "reward": str, "frame_skip": int, "time_limit": int}
        for name, value in record.items():
            fits = (
                value is None or type(value) in (int, float)
                if name == "fall_share"
                else type(value) is kinds.get(name)
            )
            if not fits:
                raise ConfigError(f"{name}={value!r} is not a choice of a robot's task")
        choices = cls(**record)
        most = {"frame_skip": 200, "time_limit": 100_000, "fall_share": 0.95}
        for name, highest in most.items():
            if not 0 <= (getattr(choices, name) or 0) <= highest:
                raise ConfigError(f"{name}={getattr(choices, name)} is out of range; choose 0 to {highest}")
        if len(choices.title) > LONGEST_TITLE:
            raise ConfigError(f"title={choices.title!r} has more than {LONGEST_TITLE} characters")
        return choices


@dataclass(frozen=True)
class Proposal:
    """A task, what it was made of, and what the person should know of it."""

    task: TaskSpec
    choices: Choices
    notes: tuple[str, ...]
    rewards: tuple[str, ...]
    """Names of REWARDS that suit the robot, the proposed one first."""


def propose(description: Mapping[str, Any], wished: Choices, model_hash: str) -> Proposal:
    """The task of a robot.

    Args:
        description: see sim/description.py.
        wished: what differs from the proposal.
        model_hash: sha256 of the model's text, hexadecimal.

    Raises:
        ModelError: the robot has no joints or no actuators, or a bound that is no number.
        ConfigError: a choice does not suit the robot.
    """
    try:
        robot = _Robot(description)
        return _propose(robot, wished, model_hash)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(
            f"the robot's description is damaged ({type(error).__name__}: {error}); add the robot again"
        ) from error


def text_hash(text: str) -> str:
    """sha256 of a model's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _propose(robot: "_Robot", wished: Choices, model_hash: str) -> Proposal:
    robot.check()
    rewards = tuple(robot.rewards())
    choices = _completed(robot, wished, rewards)
    title = " ".join(choices.title.split()) or "Robot"
    low, high = zip(*(robot.bounds(actuator) for actuator in robot.actuators), strict=True)
    falls = choices.fall_share or 0.0
    height = robot.place[2]
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:24] or "robot"
    task = TaskSpec(
        id="",
        title=title,
        summary=f"{REWARDS[choices.reward]}; {len(low)} actuators, brought by you.",
        group=GROUP,
        model=f"{OWN}{model_hash[:16]}",
        frame_skip=choices.frame_skip,
        time_limit=choices.time_limit,
        observation=tuple(robot.observation()),
        signals=tuple(robot.signals()),
        action_low=low,
        action_high=high,
        healthy=(Bound("xpos", 3 * robot.root + 2, 3 * robot.root + 3, low=falls * height),) if falls else (),
        reset=ResetSpec(
            qpos=tuple(robot.start) if robot.start is not None else None,
            qpos_noise=0.02,
            qvel_noise=0.02,
            root_noise=not robot.free_first,
            staggered=not falls,
        ),
        reward=RewardSpec("own_robot", robot.weights(choices.reward, bool(falls))),
        forward_axis="place" if robot.travels else "",
        defaults={"ppo": _PPO},
    )
    made_of = json.dumps([model_hash, task.to_json()], sort_keys=True)
    task_id = f"{OWN}{slug}-{text_hash(made_of)[:12]}"
    return Proposal(_named(task, task_id), choices, tuple(robot.notes()), rewards)


def _named(task: TaskSpec, task_id: str) -> TaskSpec:
    return TaskSpec(**{**task.__dict__, "id": task_id})


def _completed(robot: "_Robot", wished: Choices, rewards: tuple[str, ...]) -> Choices:
    """The choices with the proposal in place of what was left open."""
    reward = wished.reward or rewards[0]
    if reward not in rewards:
        raise ConfigError(f"reward={reward!r} does not suit this robot; choose {', '.join(rewards)}")
    frame_skip = wished.frame_skip or max(1, min(200, round(CONTROL_STEP_S / robot.timestep)))
    steps = EPISODE_S / (frame_skip * robot.timestep)
    time_limit = wished.time_limit or int(max(50, min(2000, round(steps))))
    share = wished.fall_share if wished.fall_share is not None else FALL_SHARE if robot.falls else 0.0
    if share and not robot.stands:
        raise ConfigError(f"fall_share={share} does not suit a robot that cannot fall; choose 0")
    return Choices(wished.title, reward, frame_skip, time_limit, share)


class _Robot:
    """A description, read with the questions that a proposal asks."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.nq, self.nv = int(record["nq"]), int(record["nv"])
        self.timestep = float(record["timestep"])
        self.gravity = [float(x) for x in record["gravity"]]
        self.ground = bool(record["ground"])
        self.root = int(record["root"])
        self.tip = int(record["tip"])
        self.place = [float(x) for x in record["root_place"]]
        self.size = [float(b) - float(a) for a, b in zip(record["low"], record["high"], strict=True)]
        self.rest = [float(x) for x in record["rest"]]
        self.start = None if record["start"] is None else [float(x) for x in record["start"]]
        self.joints = list(record["joints"])
        self.actuators = list(record["actuators"])
        self.sensors = list(record["sensors"])
        own = [joint for joint in self.joints if joint["body"] == self.root]
        self.free = next((joint for joint in own if joint["type"] == "free"), None)
        self.slides = [joint for joint in own if joint["type"] == "slide" and joint["range"] is None]
        self.pitch = next((j for j in own if j["type"] == "hinge" and abs(j["axis"][2]) < 0.1), None)

    def check(self) -> None:
        """Raise ModelError where there is nothing to learn."""
        if not self.joints:
            raise ModelError("the robot has no joints, so nothing of it can move; add joints to its bodies")
        if not self.actuators:
            raise ModelError("the robot has no actuators, so a policy cannot drive it; add <actuator> to it")
        if not (self.timestep > 0.0 and all(math.isfinite(x) for x in (*self.rest, *self.place, *self.size))):
            raise ModelError("the robot's first pose has numbers that are not finite; mend its file")

    @property
    def travels(self) -> bool:
        """Whether it can leave its place along x."""
        return self.free is not None or any(abs(joint["axis"][0]) > 0.9 for joint in self.slides)

    @property
    def stands(self) -> bool:
        """Whether its root can come down."""
        down = self.gravity[2] < 0.0
        lifts = any(abs(joint["axis"][2]) > 0.9 for joint in self.slides)
        return down and self.place[2] > 0.0 and (self.free is not None or lifts)

    @property
    def falls(self) -> bool:
        """Whether it stands so high that coming down is a fall."""
        return self.stands and self.place[2] > LIES_BELOW * max(self.size[0], self.size[1], 1e-9)

    @property
    def free_first(self) -> bool:
        """Whether the first seven coordinates are a free root's."""
        return self.free is not None and self.free["qpos"] == 0

    def rewards(self) -> Iterator[str]:
        """Names of REWARDS that suit it, the one to propose first."""
        if self.travels:
            yield "forward"
        if self.stands:
            yield "stay"
        if any(self.gravity):
            yield "rise"
        yield "reach"

    def bounds(self, actuator: Mapping[str, Any]) -> tuple[float, float]:
        """What its control may be: its own range, the joint's for a position, else -1 to 1."""
        joint = self.joints[actuator["joint"]] if actuator["joint"] >= 0 else None
        low, high = -1.0, 1.0
        if actuator["range"] is not None:
            low, high = actuator["range"]
        elif actuator["kind"] == "position" and joint is not None and joint["range"] is not None:
            low, high = joint["range"]
        elif actuator["kind"] == "position" and joint is not None and joint["type"] == "hinge":
            low, high = -math.pi, math.pi
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            name = actuator["name"] or "an actuator"
            raise ModelError(f"{name} has ctrlrange={low} {high}; give it two numbers, the smaller first")
        return float(low), float(high)

    def _spans(self) -> Iterator[tuple[str, int, int]]:
        """Stretches of qpos that the policy sees: kind, start, stop; where the robot is, is left out."""
        sizes = {"free": 7, "ball": 4, "slide": 1, "hinge": 1}
        unseen = [j["qpos"] for j in self.slides if abs(j["axis"][2]) < 0.1]
        for joint in self.joints:
            start = int(joint["qpos"])
            if joint is self.free or start in unseen:
                continue
            turns = joint["type"] == "hinge" and joint["range"] is None
            yield "turning" if turns else "positions", start, start + sizes[joint["type"]]

    def observation(self) -> Iterator[ObsField]:
        """Height and orientation of a free root, joint positions, all velocities, every sensor."""
        if self.free is not None:
            at = int(self.free["qpos"])
            yield ObsField("root height", "qpos", at + 2, at + 3, "m")
            yield ObsField("root orientation", "qpos", at + 3, at + 7)
        for kind, start, stop in _joined(self._spans()):
            if kind == "turning":
                yield ObsField("sine of joint angles", "qpos", start, stop, fn="sin")
                yield ObsField("cosine of joint angles", "qpos", start, stop, fn="cos")
            else:
                yield ObsField("joint positions", "qpos", start, stop, "m, rad")
        yield ObsField("velocities", "qvel", 0, self.nv, "m/s, rad/s", clip=100.0)
        if self._senses:
            for sensor in self.sensors:
                start = int(sensor["start"])
                yield ObsField(
                    str(sensor["name"])[:LONGEST_TITLE] or "sensor",
                    "sensordata",
                    start,
                    start + int(sensor["size"]),
                    clip=1e4,
                )

    @property
    def _senses(self) -> bool:
        numbers = sum(int(sensor["size"]) for sensor in self.sensors)
        return 0 < numbers <= MOST_OBSERVED - 2 * self.nq - self.nv

    def signals(self) -> Iterator[SignalField]:
        """What its rewards read."""
        yield SignalField("place", "subtree_com", 3 * self.root, 3 * self.root + 3, "m")
        yield SignalField("tip", "xpos", 3 * self.tip, 3 * self.tip + 3, "m")
        if self.free is not None:
            at = int(self.free["qpos"]) + 3
            yield SignalField("orientation", "qpos", at, at + 4)
        elif self.pitch is not None and self.stands:
            yield SignalField("pitch", "qpos", int(self.pitch["qpos"]), int(self.pitch["qpos"]) + 1, "rad")

    def weights(self, reward: str, ends: bool) -> dict[str, float]:
        """Parameters of rewards/library.py: own_robot."""
        scale = round(min(max(1.0 / max(self.size), 0.5), 10.0), 2) if max(self.size) > 0.0 else 1.0
        goal = {"forward": "forward_weight", "stay": "still_weight", "rise": "rise_weight"}
        weights = {goal.get(reward, "reach_weight"): scale}
        reach = max(abs(bound) for actuator in self.actuators for bound in self.bounds(actuator))
        weights["control_weight"] = 0.05 / reach**2
        if ends and reward in ("forward", "stay"):
            weights["alive_weight"] = 1.0
        if self.stands and reward in ("forward", "stay"):
            weights |= self._upward(1.0 if reward == "stay" else 0.5)
        return weights

    def _upward(self, weight: float) -> dict[str, float]:
        """Of the term for being upright: the root's own direction that is up in the first pose."""
        if self.free is not None:
            at = int(self.free["qpos"]) + 3
            w, x, y, z = self.rest[at : at + 4]
            up = (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
            named = dict(zip(("up_x", "up_y", "up_z"), (round(part, 6) + 0.0 for part in up), strict=True))
            return {"upright_weight": weight, **named}
        if self.pitch is not None:
            return {"upright_weight": weight, "first_pitch": self.rest[int(self.pitch["qpos"])]}
        return {}

    def notes(self) -> Iterator[str]:
        """What the person should know of the proposal."""
        loose = sum(1 for actuator in self.actuators if actuator["range"] is None)
        if loose:
            yield f"{loose} of {len(self.actuators)} actuators have no ctrlrange; one was assumed."
        if self.free is not None and self.gravity[2] < 0.0 and not self.ground:
            yield "There is no floor: the robot falls without end. Add a plane to its world."
        if self.sensors and not self._senses:
            yield f"Its sensors give more than {MOST_OBSERVED} numbers; the policy does not see them."


def _joined(spans: Iterator[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Neighbours of one kind as one stretch."""
    joined: list[tuple[str, int, int]] = []
    for kind, start, stop in sorted(spans, key=lambda span: span[1]):
        if joined and joined[-1][0] == kind and joined[-1][2] == start:
            joined[-1] = (kind, joined[-1][1], stop)
        else:
            joined.append((kind, start, stop))
    return joined


def made_of(proposal: Proposal, description: Mapping[str, Any], model_hash: str) -> dict[str, Any]:
    """What a task's record carries so that whoever receives it can make it again."""
    return {
        "description": dict(description),
        "choices": asdict(proposal.choices),
        "model_sha256": model_hash,
    }


def own_task(own: Mapping[str, Any]) -> TaskSpec:
    """The task made again of what `made_of` gave.

    Raises:
        ConfigError, ModelError: it is damaged, or of another version of this package.
    """
    try:
        given = own["description"], own["choices"], str(own["model_sha256"])
    except (KeyError, TypeError) as error:
        raise ConfigError(f"the robot's record lacks {error}; remove the robot and add it again") from error
    return propose(given[0], Choices.from_json(given[1]), given[2]).task
