"""The native build against NumPy in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.kernels import Library, Networks, Outcome, PPOSteps
from tabrl_py.nn.optim import Adam
from tabrl_py.types import F32
from tests.kernels.comparison import CONFIG, compare_all, make_nets, make_samples
from wasm.build import kernels

# Largest errors against float64, in units of float32's last place: what the comment in elementary.h says.
ELEMENTARY_ULP = {"tanh": 4.0, "exp": 2.0, "expm1": 4.0}


def test_everything_equals_numpy(compiled: Path) -> None:
    errors = compare_all(compiled / kernels.NATIVE)["errors"]
    assert {name: error for name, error in errors.items() if not error < 1e-5} == {}
    assert {error for name, error in errors.items() if "exactly" in name} == {0.0}
    assert len(errors) >= 21


@pytest.mark.parametrize("function", ELEMENTARY_ULP)
def test_elementary_functions_are_precise(library: Library, function: str) -> None:
    # Every 1021st float32 of the range, of both signs, from the smallest normal number on.
    largest = int(np.float32(87.0).view(np.int32))
    sizes = np.arange(0x00800000, largest, 1021, dtype=np.int32).view(np.float32)
    x = np.concatenate([-sizes, np.zeros(1, np.float32), sizes])
    expected = getattr(np, function)(x.astype(np.float64))
    ulp = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    errors = np.abs(library.elementary(function, x) - expected) / ulp
    assert errors.max() <= ELEMENTARY_ULP[function], x[errors.argmax()]


@pytest.mark.parametrize("function", ELEMENTARY_ULP)
def test_elementary_functions_at_the_ends(library: Library, function: str) -> None:
    x = np.array([0.0, np.inf, -np.inf, np.nan, 100.0, -100.0, -0.0], np.float32)
    found = library.elementary(function, x)
    expected = getattr(np, function)(x.astype(np.float64))
    expected[4] = 1.0 if function == "tanh" else np.inf
    assert np.allclose(found, expected, rtol=0.0, atol=1e-30, equal_nan=True), found


Samples = dict[str, F32]
Steps = tuple[PPOSteps, ActorCritic, Adam, Samples]
ROWS = np.arange(50, dtype=np.int32)


@pytest.fixture
def steps(library: Library) -> Steps:
    nets, exact = make_nets((5, (6,), 3), "tanh", 0)
    adam = Adam(nets.params)
    samples = make_samples(nets, exact, 50, 0)
    return PPOSteps(Networks(library, nets), adam, CONFIG), nets, adam, samples


@pytest.mark.parametrize("name", ["obs", "actions", "old_log_prob", "advantages", "returns"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_reaches_the_weights(steps: Steps, name: str, value: float) -> None:
    learner, nets, adam, samples = steps
    samples[name][7] = value
    before = nets.params.copy()
    learner.begin(**samples)
    outcome, _ = learner.minibatch(ROWS, 1e-3)
    assert outcome is Outcome.NOT_FINITE
    assert np.array_equal(nets.params, before)
    assert adam.step_count == 0
    assert not adam.m.any()
    assert not adam.v.any()


def test_the_kl_stop_changes_nothing(library: Library) -> None:
    nets, exact = make_nets((5, (6,), 3), "tanh", 0)
    adam = Adam(nets.params)
    learner = PPOSteps(Networks(library, nets), adam, CONFIG, kl_limit=1e-6)
    before = nets.params.copy()
    learner.begin(**make_samples(nets, exact, 50, 0))
    outcome, figures = learner.minibatch(ROWS, 1e-3)
    assert outcome is Outcome.KL_STOP
    assert figures.kl > 1e-6
    assert np.array_equal(nets.params, before)
    assert adam.step_count == 0


@pytest.mark.parametrize("row", [-1, 50])
def test_rows_that_do_not_exist_are_refused(steps: Steps, row: int) -> None:
    learner, nets, _, samples = steps
    learner.begin(**samples)
    before = nets.params.copy()
    with pytest.raises(IndexError, match=r"lie in \[0, 50\)"):
        learner.minibatch(np.array([0, row], np.int32), 1e-3)
    assert np.array_equal(nets.params, before)


def test_arrays_that_c_would_misread_are_refused(steps: Steps, library: Library) -> None:
    learner, nets, _, samples = steps
    wide: Any = samples["returns"].astype(np.float64)
    positions: Any = np.arange(3)
    with pytest.raises(ValueError, match="float64"):
        learner.begin(**{**samples, "returns": wide})
    with pytest.raises(ValueError, match="not dense"):
        learner.begin(**{**samples, "obs": np.asfortranarray(samples["obs"])})
    learner.begin(**samples)
    with pytest.raises(ValueError, match="int32"):
        learner.minibatch(positions, 1e-3)
    with pytest.raises(ValueError, match="float64"):
        Networks(library, ActorCritic(5, 3, (6,), "tanh", np.float64))
    assert np.isfinite(nets.params).all()


def test_a_library_that_is_not_ours_says_what_to_do(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(b"not a library")
    with pytest.raises(ConfigError, match='choose kernels="numpy"'):
        Library(foreign)


def test_nothing_beside_outputs_and_workspace_is_written(library: Library) -> None:
    nets, _ = make_nets((5, (7, 3), 3), "elu", 1)
    kernels_ = Networks(library, nets)
    wide = np.full((9, 3), np.float32(7.0))
    obs = np.ones((7, 5), np.float32)
    kernels_.act(obs, None, None, None, wide[1:8])
    assert (wide[[0, 8]] == 7.0).all()
    assert (wide[1:8] != 7.0).all()
    scratch = kernels_.workspace
    longer = np.full(scratch.size + 64, np.float32(7.0))
    kernels_.workspace = longer
    kernels_._scratch = longer.ctypes.data
    samples = make_samples(nets, make_nets((5, (7, 3), 3), "elu", 1)[1], 600, 1)
    learner = PPOSteps(kernels_, Adam(nets.params), CONFIG)
    learner.begin(**samples)
    learner.minibatch(np.arange(600, dtype=np.int32), 1e-3)
    assert (longer[scratch.size :] == 7.0).all()
