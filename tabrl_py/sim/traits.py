"""The body and the ground of one row, put into the model that all rows share."""

import math

import numpy as np

from tabrl_py.tasks.spec import TRAITS, TaskSpec
from tabrl_py.types import F64, MjModel


class Traits:
    """Writes a row's traits into the model before it moves, when they are not the ones that are there.

    web/workers/traits.js is its twin. The constants that the engine derives from masses (invweight0, which
    only scales how soft constraints are) stay those of the plain model.

    Attributes:
        names: of the traits, in the order of their values.
        plain: (P,) their values in the plain model.
        varied: rows that differ from the plain model.
        lags: physics steps for which a row still follows its last action, where its actions come late.
    """

    def __init__(self, task: TaskSpec, model: MjModel) -> None:
        """Keep what the model is like now; it must be the plain one."""
        self.names = task.traits
        self.plain: F64 = np.array([TRAITS[name] for name in self.names])
        self.varied: set[int] = set()
        self.lags: dict[int, int] = {}
        self._lag_at = self.names.index("latency") if "latency" in self.names else -1
        self._model, self._timestep, self._frame_skip = model, float(model.opt.timestep), task.frame_skip
        self._loaded = self._plain = self.plain.tobytes()
        self._gravity: F64 = model.opt.gravity.copy()
        scaled = {
            "mass": (model.body_mass, model.body_inertia, model.body_subtreemass),
            "friction": (model.geom_friction[:, 0],),
            "strength": (model.actuator_gainprm[:, 0], model.actuator_biasprm[:, :3]),
        }
        self._scaled = [
            (i, array, array.copy()) for i, name in enumerate(self.names) for array in scaled.get(name, ())
        ]
        self._slope = self.names.index("slope") if "slope" in self.names else -1

    def load(self, values: F64) -> None:
        """Make the model that of a row with these traits, (P,)."""
        wanted = values.tobytes()
        if wanted == self._loaded:
            return
        self._loaded = wanted
        for i, array, plain in self._scaled:
            np.multiply(plain, values[i], out=array)
        if self._slope >= 0:
            rise = float(values[self._slope])
            down = float(self._gravity[2]) / math.sqrt(1.0 + rise * rise)
            self._model.opt.gravity[:] = (rise * down, 0.0, down) if rise else self._gravity

    @property
    def needed(self) -> bool:
        """Whether rows must load their traits: some row differs from the plain model, or the model does."""
        return bool(self.varied) or self._loaded != self._plain

    def note(self, row: int, values: F64) -> None:
        """Take in the traits, (P,), of a row."""
        if values.tobytes() == self._plain:
            self.varied.discard(row)
        else:
            self.varied.add(row)
        lag = self._lag(values)
        if lag:
            self.lags[row] = lag
        else:
            self.lags.pop(row, None)

    def _lag(self, values: F64) -> int:
        """Physics steps for which a row with these traits still follows its last action."""
        if self._lag_at < 0:
            return 0
        steps = math.floor(float(values[self._lag_at]) / self._timestep + 0.5)
        return min(max(steps, 0), self._frame_skip)
