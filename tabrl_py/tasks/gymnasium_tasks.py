"""Gymnasium's v5 MuJoCo tasks as data.

Facts (observation, reward weights, health, frame skip, reset noise) are those of gymnasium 1.4,
gymnasium/envs/mujoco/*_v5.py; tests/parity/test_gymnasium_parity.py steps each beside `gymnasium.make(id)`.
"""

import math
from typing import Any

from tabrl_py.tasks.mirror import (
    INERTIA,
    QUATERNION,
    SPATIAL,
    TURNING,
    VECTOR,
    Image,
    in_place,
    kept,
    mirror,
    of_hinges,
    of_parts,
    turned,
)
from tabrl_py.tasks.spec import Bound, ObsField, ResetSpec, RewardSpec, SignalField, Source, TaskSpec

GROUP = "Gymnasium v5"
TIME_LIMIT = 1000


def _joints(nq: int, nv: int, skipped: int, clip: float | None = None) -> tuple[ObsField, ...]:
    """All joint velocities, and positions but the first `skipped`, which tell only where the robot is."""
    return (
        ObsField("joint positions", "qpos", skipped, nq, "m, rad"),
        ObsField("joint velocities", "qvel", 0, nv, "m/s, rad/s", clip=clip),
    )


def _position(source: Source, start: int = 0) -> SignalField:
    return SignalField("position", source, start, start + 1, "m")


def _noise(scale: float, normal_velocity: bool = False) -> ResetSpec:
    return ResetSpec(qpos_noise=scale, qvel_noise=scale, qvel_kind="normal" if normal_velocity else "uniform")


def _at_least(limit: float) -> float:
    """A Bound is strict; this one lets the limit itself pass."""
    return math.nextafter(limit, -math.inf)


def _at_most(limit: float) -> float:
    return math.nextafter(limit, math.inf)


def _task(nu: int, reach: float = 1.0, **fields: Any) -> TaskSpec:  # noqa: ANN401 - TaskSpec's own fields
    return TaskSpec(
        group=GROUP,
        time_limit=TIME_LIMIT,
        action_low=(-reach,) * nu,
        action_high=(reach,) * nu,
        post_constraint=True,
        **fields,
    )


def _ars(
    directions: int, top: int, step: float, noise: float, shift: float, n_envs: int
) -> dict[str, dict[str, Any]]:
    """Settings of ARS near those of its paper (arXiv:1803.07055, table 9)."""
    return {
        "ars": {
            "n_envs": n_envs,
            "algo.n_directions": directions,
            "algo.top_directions": top,
            "algo.step_size": step,
            "algo.noise": noise,
            "algo.reward_shift": shift,
        }
    }


_PPO = {
    "n_envs": 32,
    "network.hidden": [64, 64],
    "algo.n_epochs": 10,
    "algo.minibatch_size": 128,
    "algo.learning_rate": 4e-4,
    "algo.lr_schedule": "linear",
    "algo.lr_final": 0.1,
}
"""Small rollouts, many small steps on each, a rate that sinks."""

# The humanoid of both humanoid tasks: world and 13 bodies, a free joint and 17 hinges.
_HUMANOID_BODIES, _HUMANOID_NQ, _HUMANOID_NV, _HUMANOID_NU = 14, 24, 23, 17
_HUMANOID_OBSERVATION = (
    *_joints(_HUMANOID_NQ, _HUMANOID_NV, skipped=2),
    # Row 0 of each body array is the world, which never changes.
    ObsField("body inertias", "cinert", 10, 10 * _HUMANOID_BODIES, "kg m2, kg m, kg"),
    ObsField("body velocities", "cvel", 6, 6 * _HUMANOID_BODIES, "rad/s, m/s"),
    ObsField("joint torques", "qfrc_actuator", 6, _HUMANOID_NV, "N m"),
    ObsField("contact forces", "cfrc_ext", 6, 6 * _HUMANOID_BODIES, "N m, N"),
)
_HUMANOID_BUFFER = 100_000
"""Its observations are long: these steps take 273 MB."""
_HUMANOID_FORCES = SignalField("contact_forces", "cfrc_ext", 0, 6 * _HUMANOID_BODIES, "N m, N")

_HUMANOID_HINGES = (
    *("abdomen_z", "abdomen_y", "abdomen_x"),
    *("right_hip_x", "right_hip_z", "right_hip_y", "right_knee"),
    *("left_hip_x", "left_hip_z", "left_hip_y", "left_knee"),
    *("right_shoulder1", "right_shoulder2", "right_elbow"),
    *("left_shoulder1", "left_shoulder2", "left_elbow"),
)
_HUMANOID_PARTS = (
    *("torso", "lwaist", "pelvis"),
    *("right_thigh", "right_shin", "right_foot", "left_thigh", "left_shin", "left_foot"),
    *("right_upper_arm", "right_lower_arm", "left_upper_arm", "left_lower_arm"),
)
_HUMANOID_TURNING = ("abdomen_z", "abdomen_x", "shoulder1", "shoulder2")
_HUMANOID_ANGLES = of_hinges(_HUMANOID_HINGES, _HUMANOID_TURNING)
_HUMANOID_MIRROR = mirror(
    (
        kept(1) + QUATERNION + _HUMANOID_ANGLES,
        VECTOR + TURNING + _HUMANOID_ANGLES,
        of_parts(_HUMANOID_PARTS, INERTIA),
        of_parts(_HUMANOID_PARTS, SPATIAL),
        _HUMANOID_ANGLES,
        of_parts(_HUMANOID_PARTS, SPATIAL),
    ),
    # Gymnasium's motors begin with abdomen_y, then follow the hinges.
    of_hinges(("abdomen_y", "abdomen_z", *_HUMANOID_HINGES[2:]), _HUMANOID_TURNING),
)
"""Upstream's two sides differ a little: the right hip's armature is 0.008, the left's 0.01, the left knee has
a spring, and the stand-up robot's left hip bends 10 degrees further. The image is exact but for that."""

_ANT_OPPOSITE = {"1": "4", "2": "3", "3": "2", "4": "1"}
_ANT_HINGES = tuple(f"{part}_{leg}" for leg in "1234" for part in ("hip", "ankle"))
_ANT_PARTS = ("torso", *(f"{part}_{leg}" for leg in "1234" for part in ("leg", "aux", "foot")))


def _across(name: str) -> str:
    """The ant's part on the other side of its middle plane."""
    part, _, leg = name.partition("_")
    return f"{part}_{_ANT_OPPOSITE[leg]}" if leg else part


def _ant_hinges(names: tuple[str, ...]) -> Image:
    return of_hinges(
        names,
        [name for name in names if name.startswith("hip")],
        {name: _across(name) for name in names},
    )


INVERTED_PENDULUM = _task(
    id="InvertedPendulum-v5",
    title="Inverted pendulum",
    summary="Push a cart so that the pole on it stays upright.",
    model="inverted_pendulum",
    frame_skip=2,
    nu=1,
    reach=3.0,
    observation=_joints(2, 2, skipped=0),
    signals=(SignalField("pole_angle", "qpos", 1, 2, "rad"),),
    healthy=(Bound("qpos", 1, 2, _at_least(-0.2), _at_most(0.2)),),
    reset=_noise(0.01),
    reward=RewardSpec("balance"),
)

INVERTED_DOUBLE_PENDULUM = _task(
    id="InvertedDoublePendulum-v5",
    title="Inverted double pendulum",
    summary="Push a cart so that two poles, one on the other, stay upright.",
    model="inverted_double_pendulum",
    frame_skip=5,
    nu=1,
    observation=(
        ObsField("cart position", "qpos", 0, 1, "m"),
        ObsField("sine of the pole angles", "qpos", 1, 3, fn="sin"),
        ObsField("cosine of the pole angles", "qpos", 1, 3, fn="cos"),
        ObsField("joint velocities", "qvel", 0, 3, "m/s, rad/s", clip=10.0),
        ObsField("constraint force on the cart", "qfrc_constraint", 0, 1, "N", clip=10.0),
    ),
    signals=(
        SignalField("tip", "site_xpos", 0, 3, "m"),
        SignalField("pole_velocities", "qvel", 1, 3, "rad/s"),
    ),
    healthy=(Bound("site_xpos", 2, 3, low=1.0),),
    reset=_noise(0.1, normal_velocity=True),
    reward=RewardSpec("double_balance", {"alive_weight": 10.0}),
)

HOPPER = _task(
    id="Hopper-v5",
    title="Hopper",
    summary="One leg in the plane: hop forward without falling.",
    model="hopper",
    frame_skip=4,
    nu=3,
    observation=_joints(6, 6, skipped=1, clip=10.0),
    signals=(_position("qpos"),),
    healthy=(
        Bound("qpos", 1, 2, low=0.7),
        Bound("qpos", 2, 3, -0.2, 0.2),
        Bound("qpos", 3, 6, -100.0, 100.0),
        Bound("qvel", 0, 6, -100.0, 100.0),
    ),
    reset=_noise(5e-3),
    reward=RewardSpec("travel", {"forward_weight": 1.0, "control_weight": 1e-3, "alive_weight": 1.0}),
    forward_axis="position",
    defaults={
        **_ars(8, 4, step=0.01, noise=0.025, shift=1.0, n_envs=8),
        "ppo": {**_PPO, "total_steps": 1_200_000, "network.init_log_std": 0.0, "algo.gamma": 0.995},
    },
)

WALKER2D = _task(
    id="Walker2d-v5",
    title="Walker",
    summary="Two legs in the plane: walk forward without falling.",
    model="walker2d",
    frame_skip=4,
    nu=6,
    observation=_joints(9, 9, skipped=1, clip=10.0),
    signals=(_position("qpos"),),
    healthy=(Bound("qpos", 1, 2, 0.8, 2.0), Bound("qpos", 2, 3, -1.0, 1.0)),
    reset=_noise(5e-3),
    reward=RewardSpec("travel", {"forward_weight": 1.0, "control_weight": 1e-3, "alive_weight": 1.0}),
    forward_axis="position",
    defaults={
        **_ars(40, 30, step=0.03, noise=0.025, shift=1.0, n_envs=20),
        "ppo": {**_PPO, "total_steps": 1_500_000, "network.init_log_std": -0.5},
    },
)

HALF_CHEETAH = _task(
    id="HalfCheetah-v5",
    title="Half cheetah",
    summary="A two-legged runner in the plane: run forward; it cannot fall for good.",
    model="half_cheetah",
    frame_skip=5,
    nu=6,
    observation=_joints(9, 9, skipped=1),
    signals=(_position("qpos"),),
    reset=_noise(0.1, normal_velocity=True),
    reward=RewardSpec("travel", {"forward_weight": 1.0, "control_weight": 0.1}),
    forward_axis="position",
    defaults={"ppo": {**_PPO, "total_steps": 2_000_000, "algo.gamma": 0.98, "algo.gae_lambda": 0.92}},
)

SWIMMER = _task(
    id="Swimmer-v5",
    title="Swimmer",
    summary="Three links in a viscous fluid: swim forward.",
    model="swimmer",
    frame_skip=4,
    nu=2,
    observation=_joints(5, 5, skipped=2),
    signals=(_position("qpos"),),
    reset=_noise(0.1),
    reward=RewardSpec("travel", {"forward_weight": 1.0, "control_weight": 1e-4}),
    forward_axis="position",
    mirror=mirror((turned(3), in_place(1.0, -1.0, -1.0, -1.0, -1.0)), turned(2)),
)

ANT = _task(
    id="Ant-v5",
    title="Ant",
    summary="Four legs with eight joints: walk forward.",
    model="ant",
    frame_skip=5,
    nu=8,
    observation=(
        *_joints(15, 14, skipped=2),
        ObsField("contact forces", "cfrc_ext", 6, 6 * 14, "N m, N", clip=1.0),
    ),
    signals=(
        _position("xpos", 3),
        SignalField("contact_forces", "cfrc_ext", 0, 6 * 14, "N m, N"),
    ),
    healthy=(Bound("qpos", 2, 3, _at_least(0.2), _at_most(1.0)),),
    reset=_noise(0.1, normal_velocity=True),
    reward=RewardSpec(
        "travel",
        {
            "forward_weight": 1.0,
            "control_weight": 0.5,
            "alive_weight": 1.0,
            "contact_weight": 5e-4,
            "contact_force_limit": 1.0,
        },
    ),
    forward_axis="position",
    mirror=mirror(
        (
            kept(1) + QUATERNION + _ant_hinges(_ANT_HINGES),
            VECTOR + TURNING + _ant_hinges(_ANT_HINGES),
            of_parts(_ANT_PARTS, SPATIAL, {name: _across(name) for name in _ANT_PARTS}),
        ),
        # Gymnasium's motors begin with the fourth leg.
        _ant_hinges((*_ANT_HINGES[6:], *_ANT_HINGES[:6])),
    ),
    defaults={
        **_ars(60, 20, step=0.015, noise=0.025, shift=1.0, n_envs=30),
        # Smaller steps on larger batches than its neighbours': with theirs it runs, then falls.
        "ppo": {
            **_PPO,
            "total_steps": 5_000_000,
            "n_envs": 64,
            "network.init_log_std": -1.0,
            "algo.n_steps": 64,
            "algo.n_epochs": 5,
            "algo.minibatch_size": 1024,
            "algo.learning_rate": 6e-4,
            "algo.symmetry": "network",
        },
    },
)

HUMANOID = _task(
    id="Humanoid-v5",
    title="Humanoid",
    summary="Two legs, two arms, 17 torques: walk forward without falling.",
    model="humanoid",
    frame_skip=5,
    nu=_HUMANOID_NU,
    reach=0.4,
    observation=_HUMANOID_OBSERVATION,
    # subtree_com of the world is the centre of mass of everything that moves.
    signals=(_position("subtree_com"), _HUMANOID_FORCES),
    healthy=(Bound("qpos", 2, 3, 1.0, 2.0),),
    reset=_noise(1e-2),
    reward=RewardSpec(
        "travel",
        {
            "forward_weight": 1.25,
            "control_weight": 0.1,
            "alive_weight": 5.0,
            "contact_weight": 5e-7,
            "contact_cost_limit": 10.0,
        },
    ),
    forward_axis="position",
    mirror=_HUMANOID_MIRROR,
    defaults={
        **_ars(230, 230, step=0.02, noise=0.0075, shift=5.0, n_envs=46),
        "sac": {"algo.buffer_size": _HUMANOID_BUFFER},
    },
)

HUMANOID_STANDUP = _task(
    id="HumanoidStandup-v5",
    title="Humanoid stand-up",
    summary="A humanoid that lies on its back: get up.",
    model="humanoidstandup",
    frame_skip=5,
    nu=_HUMANOID_NU,
    reach=0.4,
    observation=_HUMANOID_OBSERVATION,
    signals=(SignalField("height", "qpos", 2, 3, "m"), _HUMANOID_FORCES),
    reset=_noise(1e-2),
    reward=RewardSpec(
        "stand_up",
        {
            # Gymnasium divides the height by one physics step of 0.003 s.
            "height_weight": 1.0 / 0.003,
            "control_weight": 0.1,
            "contact_weight": 5e-7,
            "contact_cost_limit": 10.0,
            "alive_weight": 1.0,
        },
    ),
    mirror=_HUMANOID_MIRROR,
    defaults={"sac": {"algo.buffer_size": _HUMANOID_BUFFER}},
)

GYMNASIUM_TASKS = (
    INVERTED_PENDULUM,
    INVERTED_DOUBLE_PENDULUM,
    HOPPER,
    WALKER2D,
    HALF_CHEETAH,
    SWIMMER,
    ANT,
    HUMANOID,
    HUMANOID_STANDUP,
)
