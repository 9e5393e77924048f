"""How far a run is, on a terminal."""

import time
from typing import TextIO

from tabrl_py.protocol import Progress


class ProgressBar:
    """One line that renews itself on a terminal; elsewhere a line every ten per cent."""

    WIDTH = 24
    RENEW_S = 0.2

    def __init__(self, total_steps: int, out: TextIO) -> None:
        self._total, self._out = total_steps, out
        self._live = out.isatty()
        self._shown_at, self._tenth = float("-inf"), -1
        self._last_return: float | None = None

    def show(self, record: Progress) -> None:
        """Take in a record, and draw when it is time to."""
        if record.return_mean is not None:
            self._last_return = record.return_mean
        share = min(record.steps / self._total, 1.0)
        now, tenth = time.monotonic(), int(share * 10)
        due = now - self._shown_at >= self.RENEW_S or share == 1.0 if self._live else tenth > self._tenth
        if not due:
            return
        self._shown_at, self._tenth = now, tenth
        text = self._text(record, share)
        self._out.write(f"\r{text}\x1b[K" if self._live else f"{text}\n")
        self._out.flush()

    def _text(self, record: Progress, share: float) -> str:
        filled = int(share * self.WIDTH)
        bar = "#" * filled + "." * (self.WIDTH - filled)
        left_s = (self._total - record.steps) / max(record.steps_per_s, 1e-9)
        returned = "-" if self._last_return is None else f"{self._last_return:.1f}"
        return (
            f"[{bar}] {share:4.0%}  {record.steps} steps  return {returned}  "
            f"{record.steps_per_s:.0f} steps/s  {max(left_s, 0.0):.0f} s left"
        )

    def close(self) -> None:
        """End the line."""
        if self._live:
            self._out.write("\n")
