"""Where the time of a run goes."""

from time import perf_counter

from tabrl_py.protocol import Part

PARTS: tuple[Part, ...] = ("physics", "policy", "reward", "learning", "waiting")


class Clock:
    """Seconds by part of the work. Between begin() and the last lap() every moment belongs to one part.

    Attributes:
        seconds: in all, of every run that this one goes on with too.
        parts: since the last take().
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.parts: dict[Part, float] = dict.fromkeys(PARTS, 0.0)
        self._since = self._left = 0.0
        self._absent = True

    def begin(self, waiting: bool) -> None:
        """A piece of work begins. Where the last one left off waiting, so was the time since."""
        self._since = perf_counter()
        if waiting and not self._absent:
            self._count("waiting", self._since - self._left)
        self._absent = False

    def lap(self, part: Part) -> None:
        """What was done since the last lap or begin() was this."""
        now = perf_counter()
        self._count(part, now - self._since)
        self._since = self._left = now

    def waited(self, seconds: float) -> None:
        """Of what was counted as learning, this was waiting."""
        self.parts["learning"] -= seconds
        self.parts["waiting"] += seconds

    def rest(self) -> None:
        """Nobody works from now until the next begin(): a pause."""
        self._absent = True

    def take(self) -> dict[str, float]:
        """The seconds by part since the last call."""
        taken = {str(part): round(max(seconds, 0.0), 6) for part, seconds in self.parts.items()}
        self.parts = dict.fromkeys(PARTS, 0.0)
        return taken

    def _count(self, part: Part, seconds: float) -> None:
        self.parts[part] += seconds
        self.seconds += seconds
