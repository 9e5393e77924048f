"""Random streams: reproducible, and independent of each other."""

import itertools

import numpy as np

from tabrl_py.rng import Purpose, stream


def test_a_stream_depends_on_its_four_arguments_alone() -> None:
    first = stream(3, Purpose.ACTION, 5, 7).standard_normal(16)
    stream(3, Purpose.ACTION, 5, 8).standard_normal(1000)
    assert np.array_equal(first, stream(3, Purpose.ACTION, 5, 7).standard_normal(16))


def test_changing_any_argument_changes_the_stream() -> None:
    arguments = itertools.product(
        (0, 1, 2**32 - 1), (Purpose.ACTION, Purpose.RESET), (0, 1, 4095), (0, 1, 10**6)
    )
    draws = {tuple(stream(*a).random(4)) for a in arguments}
    assert len(draws) == 3 * 2 * 3 * 3


def test_successive_steps_of_a_stream_do_not_overlap() -> None:
    long = stream(1, Purpose.ACTION, 0, 0).random(10_000)
    following = stream(1, Purpose.ACTION, 0, 1).random(10_000)
    assert np.intersect1d(long, following).size == 0


def test_the_known_first_draws_stay_what_they_are() -> None:
    """Recipes reproduce weights only while these numbers stand."""
    draws = stream(1, Purpose.ACTION, 3, 4).integers(0, 2**32, 4)
    assert draws.tolist() == [1359706728, 1633427559, 1777957765, 2541381651]
