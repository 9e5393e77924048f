"""Where the time of a run goes."""

from time import perf_counter

from tabrl_py.protocol import Part

PARTS: tuple[Part, ...] = ("physics", "policy", "reward", "learning", "waiting")


class Clock:
    """Seconds by part of the work. Between begin() and the last lap() every moment belongs to one part.

    Attributes:
        parts: since the last take().
    """

    def __init__(self) -> None:
        self.parts: dict[Part, float] = dict.fromkeys(PARTS, 0.0)
        self._before = 0.0
        self._since = 0.0
        self._absent = True

    @property
    def seconds(self) -> float:
        """In all, with those of the run that this one goes on with."""
        return self._before + sum(self.parts.values())

    def go_on_from(self, seconds: float) -> None:
        """Count on from another run's seconds."""
        self._before = seconds

    def begin(self, waiting: bool) -> None:
        """A piece of work begins. Where the last one left off waiting, so was the time since."""
        now = perf_counter()
        if waiting and not self._absent:
            self.parts["waiting"] += now - self._since
        self._since = now
        self._absent = False

    def lap(self, part: Part) -> None:
        """Count what was done since the last call, or since begin(), as this."""
        now = perf_counter()
        self.parts[part] += now - self._since
        self._since = now

    def move(self, counted_as: Part, part: Part, seconds: float) -> None:
        """Of what was counted as one part, this was another."""
        self.parts[counted_as] -= seconds
        self.parts[part] += seconds

    def rest(self) -> None:
        """Nobody works from now until the next begin(): a pause."""
        self._absent = True

    def take(self) -> dict[str, float]:
        """The seconds by part since the last call."""
        taken = {str(part): round(max(seconds, 0.0), 6) for part, seconds in self.parts.items()}
        self._before = self.seconds
        self.parts = dict.fromkeys(PARTS, 0.0)
        return taken
