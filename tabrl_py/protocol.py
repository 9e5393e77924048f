"""Every message between the page and its workers, one dataclass each.

Those to a player are in player_messages.py, those about code that is not trusted in code_messages.py, those
about files of other programs in policy_messages.py, those about people's own robots in robot_messages.py,
those of the loop in loop_messages.py.
web/protocol.d.ts is generated from all (`python -m tabrl_py.typescript`). A message is a plain object
whose `type` is the snake_case name of its class. Binary fields (`bytes` here) are ArrayBuffers there,
transferred, not copied. A number that is not finite crosses as null.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tabrl_py.code_messages import CodeRuns, CodeTried, Fitness, MeasureFitness, TryCode
from tabrl_py.player_messages import (
    Disturb,
    Inspect,
    ResetRows,
    SetSpeed,
    SingleStep,
    StartPlaying,
    Steer,
    StopPlaying,
    SwapPolicy,
    Throw,
)
from tabrl_py.policy_messages import PolicyRead, PolicyWritten, ReadPolicy, WritePolicy
from tabrl_py.robot_messages import ProposeTask, TaskProposed

Part = Literal["physics", "policy", "reward", "learning", "waiting"]
RunState = Literal["running", "paused", "finished", "stopped"]


@dataclass(frozen=True)
class Progress:
    """One record per update; what the charts draw. None means: nothing to measure yet.

    Returns are undiscounted sums of the task's own reward, unscaled, over episodes that ended since the
    last record.
    """

    update: int
    steps: int
    """Control steps taken in all, over all environments."""
    episodes: int
    """Episodes ended in all."""
    seconds: float
    """Training time so far, pauses left out."""
    return_mean: float | None
    return_std: float | None
    length_mean: float | None
    """Control steps of the episodes that ended."""
    fall_rate: float | None
    """Share of the ended episodes that terminated rather than reached the time limit."""
    distance_mean: float | None
    """Metres along the task's forward axis; None where the robot does not travel."""
    reward_terms: dict[str, float]
    """Mean of each weighted term of the reward per control step."""
    policy_loss: float
    value_loss: float
    entropy: float
    kl: float
    clip_fraction: float
    explained_variance: float
    learning_rate: float
    grad_norm: float
    action_std: float
    epochs_run: int
    """Epochs before the KL stop."""
    unstable_rows: int
    """Rows reset because the physics left the finite numbers, in all."""
    skipped_minibatches: int
    """Minibatches left out because a loss or gradient was not finite, in all."""
    seconds_by_part: dict[str, float]
    """Time of this update spent in each Part."""
    physics_steps_per_s: float
    """Physics steps (mj_step) per second spent in physics, this update."""
    steps_per_s: float
    """Control steps per second of whole training, this update."""
    level: float | None = None
    """How hard the task's curriculum made it, 0 to 1; None where the task has none."""


@dataclass(frozen=True)
class Evaluation:
    """What a deterministic policy does on fixed seeds, one episode each."""

    seeds: list[int]
    returns: list[float]
    lengths: list[int]
    terminated: list[bool]
    distances: list[float]
    """Metres along the task's forward axis, empty where the robot does not travel."""
    return_mean: float
    return_std: float
    succeeded: list[bool] = field(default_factory=list)
    """Whether each episode ended as the task's success asks for, empty where it has none."""


# Page to trainer


@dataclass(frozen=True)
class StartTraining:
    """Begin a run from its recipe, or go on from a checkpoint, or from the weights of a policy."""

    recipe: dict[str, Any]
    task: dict[str, Any]
    model_xml: str
    visible: int
    checkpoint: bytes | None = None
    policy: bytes | None = None
    checkpoint_every_updates: int = 10
    members: int = 1
    """Workers that learn this policy together."""
    member: int = 0
    """Which of them this one is; member 0 sends records, checkpoints, policies and the evaluation."""
    learning: bool = False
    """Whether the policy files hold what another run needs to go on learning from them."""


@dataclass(frozen=True)
class Pause:
    """Stop after the present vector step, keeping everything."""


@dataclass(frozen=True)
class Resume:
    """Go on after Pause."""


@dataclass(frozen=True)
class Stop:
    """End the run; the worker answers with a last checkpoint and policy."""


@dataclass(frozen=True)
class Push:
    """Pull a body of one row with a force for some control steps."""

    row: int
    body: int
    force_n: list[float]
    point_m: list[float]
    steps: int = 4
    show: int = 0
    """Which show of a player the row belongs to."""


@dataclass(frozen=True)
class RequestPolicy:
    """Ask for the present policy file."""

    id: int


@dataclass(frozen=True)
class RequestCheckpoint:
    """Ask for a checkpoint of the whole run."""

    id: int


@dataclass(frozen=True)
class RequestEvaluation:
    """Evaluate a policy deterministically: episode k starts from evaluation seed seeds[k]."""

    id: int
    policy: bytes | None
    """None: the random policy (uniform actions), the baseline of the charts."""
    task: dict[str, Any]
    model_xml: str
    seeds: list[int]
    reward: str = ""
    """Reward code for random actions; a policy's returns are those of the reward it was trained with."""


# Worker to page


@dataclass(frozen=True)
class Booting:
    """What the worker is loading."""

    stage: Literal["python", "numpy", "physics", "package", "model"]
    fraction: float


@dataclass(frozen=True)
class Ready:
    """The worker can take a start message."""

    versions: dict[str, str]
    boot_s: float


@dataclass(frozen=True)
class Started:
    """A run or a show begins."""

    task_id: str
    n_envs: int
    rows: list[int]
    """Environments whose poses come in Frame, in that order."""
    dt: float
    """Seconds per control step."""
    obs_size: int
    action_size: int
    parameters: int
    steps: int
    arithmetic: Literal["compiled", "numpy"] = "numpy"
    """What learns: the compiled kernels, or the slower NumPy reference."""
    show: int = 0
    """Player only: which of its shows; so in Frame and EpisodeEnded."""


@dataclass(frozen=True)
class Frame:
    """Poses of the watched rows; the page draws the newest and drops the rest."""

    poses: bytes
    """float32 (K, nbody, 7): position (m), quaternion (w, x, y, z)."""
    torques: bytes
    """float32 (K, nu): actuator_force."""
    returns: list[float]
    """Return of the running episode of each watched row."""
    steps: list[int]
    """Control steps of the running episode of each watched row."""
    sim_s: float
    """Simulated seconds since the start, of one environment."""
    real_time_factor: float | None
    """Player only: simulated seconds per second, as measured."""
    commands: list[float] = field(default_factory=list)
    """Player only: the command of each watched row, one after the other; empty where the task takes none."""
    show: int = 0
    balls: list[float] = field(default_factory=list)
    """(B, 3) m: balls that were thrown in a world that robots share."""


@dataclass(frozen=True)
class Detail:
    """What goes on inside the inspected robot, at the state that it is in."""

    row: int
    contacts: list[float]
    """6 for each contact: point (m) and force on the robot (N), in the world's frame; between two of its own
    bodies, the force on the second."""
    com: list[float]
    """(3,) m, the centre of mass."""
    joints: list[float]
    """In the model's order: rad, or m where it slides; 0 for free and ball joints."""
    actuator_force: list[float]
    action: list[float]
    """Within the task's bounds."""
    signals: list[float]
    """What rewards of the task read, in the task's order."""
    terms: dict[str, float]
    """The reward of the robot's last step by its weighted terms; empty before it has made one."""
    show: int = 0


@dataclass(frozen=True)
class EpisodeEnded:
    """Player only: a row finished an episode."""

    row: int
    seed: int | None
    """The evaluation seed, for the first episode of a row; later episodes are drawn from a stream of their
    own."""
    episode_return: float
    steps: int
    terminated: bool
    distance: float | None
    disturbed: bool
    """Whether a push, a disturbance or somebody's command touched the episode."""
    show: int = 0


@dataclass(frozen=True)
class Progressed:
    """A progress record of the run."""

    progress: Progress


@dataclass(frozen=True)
class StateChanged:
    """The run's or the show's state after a command, or at its end."""

    state: RunState


@dataclass(frozen=True)
class PolicyFile:
    """A policy file; id 0 when the worker sends it by itself."""

    id: int
    policy: bytes
    steps: int


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint; id 0 when the worker sends it by itself."""

    id: int
    checkpoint: bytes
    steps: int


@dataclass(frozen=True)
class Evaluated:
    """Answer to RequestEvaluation."""

    id: int
    evaluation: Evaluation


@dataclass(frozen=True)
class Failed:
    """Something went wrong. `id` is that of the request it answers, else 0."""

    name: str
    message: str
    traceback: str
    hint: str
    fatal: bool
    """Whether the worker can do nothing more and must be replaced."""
    id: int = 0
    show: int = -1
    """The show of a player without Python that could not start; -1: it was something else."""


ToWorker: TypeAlias = (
    StartTraining
    | Pause
    | Resume
    | Stop
    | Push
    | RequestPolicy
    | RequestCheckpoint
    | RequestEvaluation
    | StartPlaying
    | StopPlaying
    | SwapPolicy
    | Disturb
    | Throw
    | SetSpeed
    | SingleStep
    | ResetRows
    | Steer
    | Inspect
    | MeasureFitness
    | TryCode
    | WritePolicy
    | ReadPolicy
    | ProposeTask
)
FromWorker: TypeAlias = (
    Booting
    | Ready
    | Started
    | Frame
    | Detail
    | EpisodeEnded
    | Progressed
    | StateChanged
    | PolicyFile
    | CheckpointFile
    | Evaluated
    | Fitness
    | CodeTried
    | PolicyWritten
    | PolicyRead
    | TaskProposed
    | CodeRuns
    | Failed
)


def message_type(message: type) -> str:
    """The `type` of a message class: its name in snake_case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", message.__name__).lower()
