"""The protocol of a batch of environments: rows of one state array, stepped together."""

from typing import Protocol

from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Bool, Float, Rows


class BatchSim(Protocol):
    """N environments of one task. Arrays are allocated once and overwritten in place by reset() and step().

    A finished row resets itself inside step(), from the state waiting in next_init; the caller then refills
    that row of next_init. So nothing random happens here, and one call is enough for a vector step.

    Attributes:
        task: the task.
        n_envs: N.
        nq, nv, nbody, nu: sizes of the model.
        dt: seconds per control step.
        qpos0: (nq,) the start position: the task's, else the model's.
        obs: (N, O) what the policy sees now, after any reset. float32, or float64 where the constructor was
            asked for it.
        final_obs: (N, O) rows that finished in the last step: their true last observation, before the reset.
        signals: (N, S) the task's signals after the last step, before any reset. float64.
        prev_signals: (N, S) the same before the last step.
        terminated: (N,) the last step ended the task (a bound was left, or the row became unstable).
        truncated: (N,) the last step reached the time limit and did not terminate.
        unstable: (N,) the row became non-finite or the engine warned; it counts as terminated and its
            numbers in obs, final_obs and signals are those of the last good step.
        unstable_count: rows found unstable since construction.
        steps: (N,) control steps of the running episode.
        next_init: (N, I) what each row takes at its next reset: qpos, qvel, and where the task has them its
            command, its traits (TaskSpec.traits), and the physics steps for which it settles and the action
            that is held meanwhile. float64.
        watched: rows whose poses are captured.
        poses: (K, nbody, 7) position (m) and quaternion (w, x, y, z) of each body of the watched rows after
            the last step.
        torques: (K, nu) actuator_force of the watched rows.
    """

    task: TaskSpec
    n_envs: int
    nq: int
    nv: int
    nbody: int
    nu: int
    dt: float
    qpos0: F64
    obs: Float
    final_obs: Float
    signals: F64
    prev_signals: F64
    terminated: Bool
    truncated: Bool
    unstable: Bool
    unstable_count: int
    steps: F64
    next_init: F64
    watched: tuple[int, ...]
    poses: F32
    torques: F32

    def reset(self, rows: Rows | None = None) -> None:
        """Start an episode in the given rows (all when None) from next_init; fills their obs and signals."""
        ...

    def step(self, actions: Float) -> None:
        """Advance every row by one control step.

        Args:
            actions: (N, A), within the task's bounds.
        """
        ...

    def watch(self, rows: Rows) -> None:
        """Choose the rows whose poses and torques are captured, and capture them from the present state."""
        ...

    def push(
        self,
        row: int,
        body: int,
        force_n: tuple[float, float, float],
        point_m: tuple[float, float, float],
        steps: int,
    ) -> None:
        """Pull on a body of one row with a world-frame force at a world point for the next control steps."""
        ...

    def set_commands(self, rows: Rows, commands: F64) -> None:
        """Give rows another command, and observe them anew.

        Args:
            rows: which, n of them.
            commands: (n, C), as the task's CommandSpec says.

        Raises:
            ValueError: the task takes no command, or the row does not exist.
        """
        ...

    def kick(self, rows: Rows, velocities: F64) -> None:
        """Change the velocity of whole robots at once, as a blow does; seen from the next step on.

        Args:
            rows: which, n of them.
            velocities: (n, 2) m/s along the world's x and y, added.

        Raises:
            ValueError: the robot does not move freely (its first joint is not a free one).
        """
        ...

    def states(self) -> F64:
        """A copy of every row's state, (N, nstate): all that is needed to go on bit for bit."""
        ...

    def load_states(self, states: F64) -> None:
        """Put back what states() gave for the same task and size; obs and signals are not touched."""
        ...

    def close(self) -> None:
        """Free the engine's memory."""
        ...
