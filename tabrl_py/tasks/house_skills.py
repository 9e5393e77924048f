"""What the house robot does beside standing, walking and running: follow commands, get up, walk on slopes."""

from dataclasses import replace

from tabrl_py.tasks.house import (
    ACTION_IMAGE,
    GAIT_SIGNALS,
    OBSERVATION,
    OBSERVATION_IMAGES,
    PHASE_IMAGE,
    PPO,
    RANDOMIZATION,
    RUN,
    SIGNALS,
    STANCE,
    STAND,
    TRAVEL,
    WALK,
    WALK_PERIOD_S,
    phase,
    with_torques,
)
from tabrl_py.tasks.mirror import in_place, mirror
from tabrl_py.tasks.spec import (
    CommandSpec,
    Curriculum,
    ObsField,
    Randomization,
    ResetSpec,
    RewardSpec,
    SignalField,
    Success,
)

_HEADING = next(field for field in SIGNALS if field.name == "heading")


def _is_heading(field: ObsField) -> bool:
    return field.name.startswith("heading")


def _in_own_heading(field: ObsField) -> ObsField:
    """The velocity that is commanded, in the frame in which it is commanded."""
    if not field.name.startswith("velocity of the centre of mass"):
        return field
    return replace(field, name="velocity of the centre of mass in its own heading", fn="own")


# A command means the same whichever way the robot faces, so the robot sees nothing of the world's directions:
# a policy that sees its heading learns it by heart, and is lost where it has not been trained.
_SEEN = tuple(_in_own_heading(field) for field in OBSERVATION if not _is_heading(field))
_HEADING_AT = next(i for i, field in enumerate(OBSERVATION) if _is_heading(field))
_SEEN_IMAGES = (*OBSERVATION_IMAGES[:_HEADING_AT], *OBSERVATION_IMAGES[_HEADING_AT + 1 :])

COMMAND = replace(
    WALK,
    id="humanoid-command",
    title="Follow commands",
    summary="Walk forward, backward, aside or turn, as told.",
    observation=(*_SEEN, *phase(WALK_PERIOD_S), ObsField("command", "command", 0, 3, "m/s, m/s, rad/s")),
    signals=(*SIGNALS, *GAIT_SIGNALS, SignalField("command", "command", 0, 3, "m/s, m/s, rad/s")),
    heading=_HEADING,
    command=CommandSpec(
        names=("forward", "sideways", "turn"),
        units=("m/s", "m/s", "rad/s"),
        low=(-0.6, -0.4, -1.0),
        high=(1.4, 0.4, 1.0),
        hold_steps=160,
        zero_share=0.15,
        single_share=0.4,
        easiest=(1.0, 0.0, 0.0),
    ),
    # Told anything from the start, it learns to stand whatever it is told, and goes on standing. Told more
    # before it does two thirds of what it is told, it goes on doing half of it.
    curriculum=Curriculum(
        scales=("command",), raise_at=0.66, lower_at=0.4, episodes=32, term="move", full=4.0
    ),
    reward=RewardSpec(
        "follow",
        {
            "turn_weight": 2.0,
            "gait_weight": 2.0,
            "flight_weight": 3.0,
            "rest_weight": 1.0,
            "gait_period_s": WALK_PERIOD_S,
        },
    ),
    forward_axis="",
    mirror=mirror((*_SEEN_IMAGES, PHASE_IMAGE, in_place(1.0, -1.0, -1.0)), ACTION_IMAGE),
    defaults={"ppo": {"total_steps": 6_000_000, **PPO, **TRAVEL, "network.hidden": [128, 64]}},
)

GET_UP = replace(
    STAND,
    id="humanoid-getup",
    title="Get up",
    summary="Rise from the floor, however it lies, and stand.",
    time_limit=400,
    healthy=(),
    reset=ResetSpec(
        qpos=STANCE,
        qpos_noise=0.1,
        qvel_noise=0.1,
        root_noise=False,
        drop_height=0.8,
        settle_steps=240,
        staggered=True,
    ),
    reward=RewardSpec("get_up"),
    success=Success("head_height", above=1.25, last_steps=40, words="stood for the last second"),
    # Lying robots have to find far other poses: the first actions reach further.
    defaults={"ppo": {"total_steps": 8_000_000, **PPO, **TRAVEL, "network.init_log_std": -0.7}},
)

WALK_ROUGH = replace(
    WALK,
    id="humanoid-walk-rough",
    title="Walk on rough terms",
    summary="Walk up and down slopes at 1.2 m/s while being pushed.",
    randomization=(
        Randomization("slope", -0.15, 0.15, always=True),
        Randomization("push", 0.0, 0.6, every_steps=120, always=True),
        *(entry for entry in RANDOMIZATION if entry.name != "push"),
    ),
    curriculum=Curriculum(scales=("slope", "push")),
    defaults={"ppo": {"total_steps": 5_000_000, **PPO, **TRAVEL}},
)

HOUSE_TASKS = (
    *(STAND, WALK, RUN, COMMAND, GET_UP, WALK_ROUGH),
    *(with_torques(task) for task in (STAND, WALK, RUN)),
)
