"""How long strides become."""

import pytest

from tabrl_py.algos.strider import MOST, STRIDE_S, next_length


@pytest.mark.parametrize(
    ("steps", "step_s", "length"),
    [
        (8, 0.001, 16),  # far more would fit: not at once
        (16, 0.004, 20),  # as many as take STRIDE_S
        (64, 0.02, 4),  # the machine became slow: short at once
        (4, 1.0, 1),  # one step takes longer than a stride may
        (1, 0.0, 2),  # too quick for the clock
        (MOST, 0.0, MOST),
    ],
)
def test_a_stride_takes_about_so_long(steps: int, step_s: float, length: int) -> None:
    assert STRIDE_S == 0.08
    assert next_length(steps, step_s) == length
