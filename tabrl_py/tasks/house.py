"""The house robot: dm_control's humanoid, 72 observations, 21 actions that are position targets or torques.

The slices of sensordata follow the order in which wasm/models writes the sensors; tests/unit/test_tasks.py
compares them with the compiled model by name.
"""

import math
from dataclasses import replace

from tabrl_py.tasks.mirror import TURNING, VECTOR, exchanged, in_place, kept, mirror, of_hinges
from tabrl_py.tasks.spec import Bound, ObsField, Randomization, ResetSpec, RewardSpec, SignalField, TaskSpec

SENSORS = {
    "up_in_torso": slice(0, 3),
    "torso_forward": slice(3, 6),
    "torso_velocity": slice(6, 9),
    "torso_gyro": slice(9, 12),
    "right_foot_in_torso": slice(12, 15),
    "left_foot_in_torso": slice(15, 18),
    "right_hand_in_torso": slice(18, 21),
    "left_hand_in_torso": slice(21, 24),
    "right_sole_touch": slice(24, 25),
    "left_sole_touch": slice(25, 26),
    "com_velocity": slice(26, 29),
    "head_position": slice(29, 32),
    "clock": slice(32, 33),
}
"""Where each sensor of the model lies in sensordata."""

JOINTS = (
    *("abdomen_z", "abdomen_y", "abdomen_x"),
    *("right_hip_x", "right_hip_z", "right_hip_y", "right_knee", "right_ankle_y", "right_ankle_x"),
    *("left_hip_x", "left_hip_z", "left_hip_y", "left_knee", "left_ankle_y", "left_ankle_x"),
    *("right_shoulder1", "right_shoulder2", "right_elbow"),
    *("left_shoulder1", "left_shoulder2", "left_elbow"),
)
"""The hinges in the order of qpos[7:] and qvel[6:]."""

ACTUATED_JOINTS = (
    *("abdomen_y", "abdomen_z", "abdomen_x"),
    *("right_hip_x", "right_hip_z", "right_hip_y", "right_knee", "right_ankle_x", "right_ankle_y"),
    *("left_hip_x", "left_hip_z", "left_hip_y", "left_knee", "left_ankle_x", "left_ankle_y"),
    *("right_shoulder1", "right_shoulder2", "right_elbow"),
    *("left_shoulder1", "left_shoulder2", "left_elbow"),
)
"""The hinges in the order of the actions, which is dm_control's order of motors."""


def _sensed(
    name: str,
    sensor: str,
    unit: str,
    *,
    first: int = 0,
    count: int | None = None,
    scale: float = 1.0,
    clip: float | None = None,
    noise: float = 0.0,
) -> ObsField:
    """An observation of a sensor's numbers, from `first` on, `count` of them."""
    place = SENSORS[sensor]
    start = place.start + first
    stop = place.stop if count is None else start + count
    return ObsField(name, "sensordata", start, stop, unit, scale=scale, clip=clip, noise=noise)


OBSERVATION = (
    ObsField("torso height", "qpos", 2, 3, "m", noise=0.01),
    _sensed("up direction in the torso's frame", "up_in_torso", "", noise=0.02),
    _sensed("heading: the torso's forward axis in the world", "torso_forward", "", count=2, noise=0.02),
    _sensed("torso velocity in its own frame", "torso_velocity", "m/s", noise=0.05),
    _sensed("torso turning rate in its own frame", "torso_gyro", "rad/s", noise=0.1),
    ObsField("joint angle", "qpos", 7, 28, "rad", noise=0.01),
    ObsField("joint speed", "qvel", 6, 27, "rad/s", scale=0.1, noise=0.05),
    _sensed("right foot in the torso's frame", "right_foot_in_torso", "m", noise=0.01),
    _sensed("left foot in the torso's frame", "left_foot_in_torso", "m", noise=0.01),
    _sensed("right hand in the torso's frame", "right_hand_in_torso", "m", noise=0.01),
    _sensed("left hand in the torso's frame", "left_hand_in_torso", "m", noise=0.01),
    _sensed("force under the right sole", "right_sole_touch", "N", scale=1 / 400, clip=2.0, noise=0.05),
    _sensed("force under the left sole", "left_sole_touch", "N", scale=1 / 400, clip=2.0, noise=0.05),
    _sensed("velocity of the centre of mass in the world", "com_velocity", "m/s", noise=0.05),
    _sensed("head height", "head_position", "m", first=2, noise=0.01),
)


def phase(period_s: float) -> tuple[ObsField, ObsField]:
    """Where in its period a gait is, as two numbers; the mirror image is half a period away."""
    rate = 2.0 * math.pi / period_s
    words = f"of the gait's phase, a period of {period_s:g} s"
    return (
        ObsField(f"cosine {words}", "sensordata", 32, 33, "", fn="cos", rate=rate),
        ObsField(f"sine {words}", "sensordata", 32, 33, "", fn="sin", rate=rate),
    )


PHASE_IMAGE = in_place(-1.0, -1.0)

_TURNING_JOINTS = ("abdomen_z", "abdomen_x", "ankle_x", "shoulder1", "shoulder2")
"""Hinges, without their side, whose angle changes sign in the mirror."""

ACTION_IMAGE = of_hinges(ACTUATED_JOINTS, _TURNING_JOINTS)
OBSERVATION_IMAGES = (
    kept(1),
    VECTOR,
    in_place(1.0, -1.0),
    VECTOR,
    TURNING,
    of_hinges(JOINTS, _TURNING_JOINTS),
    of_hinges(JOINTS, _TURNING_JOINTS),
    exchanged(VECTOR),
    exchanged(VECTOR),
    exchanged(kept(1)),
    VECTOR,
    kept(1),
)
"""Of OBSERVATION: feet, hands and soles stand there as pairs."""

COMPONENTS: dict[str, tuple[str, ...]] = {
    "joint angle": JOINTS,
    "joint speed": JOINTS,
}
"""Names of the numbers of an observation field; x, y, z where nothing is said."""


def _signal(name: str, sensor: str, unit: str, first: int = 0, count: int | None = None) -> SignalField:
    place = SENSORS[sensor]
    start = place.start + first
    return SignalField(name, "sensordata", start, place.stop if count is None else start + count, unit)


SIGNALS = (
    SignalField("position", "qpos", 0, 2, "m"),
    _signal("head_height", "head_position", "m", first=2),
    _signal("upright", "up_in_torso", "", first=2),
    _signal("heading", "torso_forward", "", count=2),
    _signal("com_velocity", "com_velocity", "m/s"),
)

GAIT_SIGNALS = (
    SignalField("clock", "sensordata", 32, 33, "s"),
    SignalField("soles", "sensordata", 24, 26, "N"),
    SignalField("control", "ctrl", 0, 21, ""),
)
"""What a gait's reward reads beside SIGNALS."""

_BENT_LEG = (0.0, 0.0, -0.2, -0.5, -0.3, 0.0)

STANCE = (
    *(0.0, 0.0, 1.26433),
    *(1.0, 0.0, 0.0, 0.0),
    *(0.0, 0.0, 0.0),
    *_BENT_LEG,
    *_BENT_LEG,
    *(0.7, -0.55, -1.3),
    *(-0.7, 0.55, -1.3),
)
"""The models' keyframe `stand`: place, quaternion, abdomen, right leg, left leg, right arm, left arm."""

RANDOMIZATION = (
    Randomization("mass", 0.85, 1.15),
    Randomization("friction", 0.6, 1.3),
    Randomization("strength", 0.85, 1.15),
    Randomization("latency", 0.0, 0.015),
    Randomization("push", 0.0, 0.5, every_steps=160),
    Randomization("noise", 0.0, 1.0),
)
"""What training that randomises varies, in all tasks of the robot."""

WALK_PERIOD_S, RUN_PERIOD_S = 0.64, 0.5
"""Of two steps."""
MOST_TILT_RAD = math.radians(45.0)
"""A walking robot whose torso leans further than this has fallen."""

PPO = {
    "n_envs": 64,
    "network.init_log_std": -1.8,
    "algo.n_steps": 64,
    "algo.n_epochs": 6,
    "algo.minibatch_size": 1024,
    "algo.lr_schedule": "linear",
    "algo.symmetry": "network",
}
TRAVEL = {
    "network.init_log_std": -1.5,
    "algo.n_epochs": 4,
    "algo.learning_rate": 6e-4,
    "algo.lr_final": 0.56,
    "algo.entropy_coef": 0.002,
}

STAND = TaskSpec(
    id="humanoid-stand",
    title="Stand",
    summary="Keep the humanoid on its feet, still and upright.",
    group="Humanoid",
    model="house_position",
    frame_skip=5,
    time_limit=1000,
    observation=OBSERVATION,
    signals=SIGNALS,
    action_low=(-1.0,) * len(ACTUATED_JOINTS),
    action_high=(1.0,) * len(ACTUATED_JOINTS),
    healthy=(Bound("sensordata", 31, 32, low=1.0),),
    reset=ResetSpec(qpos=STANCE, qpos_noise=0.03, qvel_noise=0.3, root_noise=False),
    layout_version=2,
    reward=RewardSpec("stand"),
    randomization=RANDOMIZATION,
    mirror=mirror(OBSERVATION_IMAGES, ACTION_IMAGE),
    defaults={
        "ppo": {
            "total_steps": 1_500_000,
            **PPO,
            "network.init_log_std": -1.5,
            "algo.learning_rate": 6e-4,
            "algo.lr_final": 0.4,
        }
    },
)

WALK = replace(
    STAND,
    id="humanoid-walk",
    title="Walk",
    summary="Walk forward at up to 1.4 m/s without falling.",
    observation=(*OBSERVATION, *phase(WALK_PERIOD_S)),
    signals=(*SIGNALS, *GAIT_SIGNALS),
    healthy=(*STAND.healthy, Bound("sensordata", 2, 3, low=math.cos(MOST_TILT_RAD))),
    reset=replace(STAND.reset, qpos_noise=0.05, qvel_noise=0.1),
    reward=RewardSpec(
        "go_forward",
        {
            "target_speed": 1.4,
            "forward_weight": 4.0,
            "heading_weight": 0.5,
            "sideways_weight": 0.5,
            "tilt_weight": 6.0,
            "change_weight": 0.1,
            "gait_weight": 2.0,
            "flight_weight": 3.0,
            "gait_period_s": WALK_PERIOD_S,
        },
    ),
    forward_axis="position",
    mirror=mirror((*OBSERVATION_IMAGES, PHASE_IMAGE), ACTION_IMAGE),
    defaults={"ppo": {"total_steps": 2_250_000, **PPO, **TRAVEL}},
)

RUN = replace(
    WALK,
    id="humanoid-run",
    title="Run",
    summary="Run forward as fast as 3 m/s without falling.",
    observation=(*OBSERVATION, *phase(RUN_PERIOD_S)),
    reward=RewardSpec(
        "go_forward",
        {**WALK.reward.params, "target_speed": 3.0, "gait_period_s": RUN_PERIOD_S, "flight_weight": 0.0},
    ),
    defaults={"ppo": {"total_steps": 5_000_000, **PPO, **TRAVEL}},
)


def with_torques(task: TaskSpec) -> TaskSpec:
    """The same task, but an action is a torque instead of the angle a servo holds."""
    return replace(
        task,
        id=f"{task.id}-torque",
        title=f"{task.title}, by torque",
        summary=f"{task.summary} The policy commands torques instead of joint angles.",
        model="house_torque",
        defaults={},
    )
