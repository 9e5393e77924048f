"""Array aliases and the shape legend used by every docstring.

T  control steps of a rollout          O  observation length
N  environments (rows)                 A  action length
B  samples of a minibatch              S  width of a task's signals
K  rows that are being watched
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]
Float: TypeAlias = npt.NDArray[np.floating]
Bool: TypeAlias = npt.NDArray[np.bool_]
I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.int64] | Sequence[int]

# What ships no types of its own.
JsObject: TypeAlias = Any
"""An object of JavaScript's: Pyodide cannot know what it has."""
MjModel: TypeAlias = Any
"""A mujoco.MjModel."""
MjData: TypeAlias = Any
"""A mujoco.MjData."""
