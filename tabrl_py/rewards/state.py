"""What a reward function sees: a task's signals by name, for all environments at once."""

from collections.abc import Mapping

from tabrl_py.types import F64, Bool


class Signals:
    """The signals of N environments at one moment, each by its name.

    A signal of one number has the shape (N,), one of k numbers (N, k).
    """

    def __init__(self, slices: Mapping[str, slice], rows: F64) -> None:
        """View `rows`, (N, S), through the names of `slices`."""
        self._slices = slices
        self._rows = rows

    @property
    def rows(self) -> F64:
        """(N, S) all signals."""
        return self._rows

    def __getattr__(self, name: str) -> F64:
        """The signal of that name.

        Raises:
            AttributeError: the task has no such signal; the message lists those it has.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        place = self._slices.get(name)
        if place is None:
            raise AttributeError(
                f"the task has no signal {name!r}; its signals are {', '.join(self._slices)}"
            )
        if place.stop - place.start == 1:
            return self._rows[:, place.start]
        return self._rows[:, place]


class State(Signals):
    """The signals after a control step, those before it, and what was done.

    Attributes:
        prev: the signals before the step.
        action: (N, A) float64, what the policy did, within the task's bounds.
        dt: seconds per control step.
        terminated: (N,) whether the step ended the task.
    """

    def __init__(
        self,
        slices: Mapping[str, slice],
        signals: F64,
        prev_signals: F64,
        action: F64,
        dt: float,
        terminated: Bool,
    ) -> None:
        """View a simulation's arrays; nothing is copied."""
        super().__init__(slices, signals)
        self.prev = Signals(slices, prev_signals)
        self.action = action
        self.dt = dt
        self.terminated = terminated
