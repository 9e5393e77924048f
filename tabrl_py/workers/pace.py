"""The clock of a player: control steps at the pace that the page asks for."""

from tabrl_py.errors import ConfigError

SLOWEST, FASTEST = 0.1, 8.0
LARGEST_DEBT_S = 0.1
"""A player that fell behind by more than this does not try to make it up."""
MEASURE_S = 0.5
"""The real-time factor is measured anew after this long."""


class Pace:
    """When the next control step is due, and how fast time really passes."""

    def __init__(self, dt: float, speed: float, now: float) -> None:
        """Begin with a step due at once.

        Args:
            dt: simulated seconds per step.
            speed: simulated seconds per second.
            now: seconds on the clock that all later calls read.

        Raises:
            ConfigError: the speed is out of range.
        """
        self._dt = dt
        self.factor: float | None = None
        self.restart(now)
        self.set_speed(speed)

    def restart(self, now: float) -> None:
        """After a pause: nothing was missed, nothing is measured over it."""
        self._due = now
        self._since, self._steps = now, 0

    def set_speed(self, speed: float) -> None:
        """Change the speed from the next step on.

        Raises:
            ConfigError: the speed is out of range.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ConfigError(f"speed={speed} is out of range; choose {SLOWEST:g} to {FASTEST:g}")
        self._speed = float(speed)

    def wait(self, now: float) -> float:
        """Seconds until the next step is due, 0 when it is."""
        return max(0.0, self._due - now)

    def stepped(self, now: float) -> None:
        """A step was made."""
        self._due = max(self._due, now - LARGEST_DEBT_S) + self._dt / self._speed
        self._steps += 1
        if now - self._since >= MEASURE_S:
            self.factor = self._steps * self._dt / (now - self._since)
            self._since, self._steps = now, 0
