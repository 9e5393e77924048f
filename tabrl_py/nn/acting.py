"""What it takes to act with the compiled kernels from outside Python."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Acting:
    """What `act` of wasm/kernels/kernels.h takes, but for a step's own arrays; addresses in memory.

    Attributes:
        act, to_bounds: the functions.
        mean, scale: (O,) of the observation normaliser; 0 where there is none.
        params, workspace, widths: of the actor.
        layers, form: of the actor; numbers, not addresses.
    """

    act: int
    to_bounds: int
    mean: int
    scale: int
    params: int
    workspace: int
    widths: int
    layers: int
    form: int
