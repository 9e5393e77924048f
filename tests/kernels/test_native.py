"""The native build against NumPy in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.nn import kernels as bound
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.kernels import CompiledMLP, Library
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
    assert len(errors) >= 28


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


Learner = tuple[CompiledArithmetic, ActorCritic, Adam, dict[str, F32]]


@pytest.fixture
def learner(library: Library) -> Learner:
    nets, exact = make_nets((5, (6,), 3), "tanh", 0)
    adam = Adam(nets.params)
    samples = make_samples(nets, exact, 50, 0)
    return CompiledArithmetic(library, nets, adam, CONFIG), nets, adam, samples


def test_arrays_that_c_would_misread_are_refused(learner: Learner, library: Library) -> None:
    arithmetic, nets, _, samples = learner
    wide: Any = samples["returns"].astype(np.float64)
    with pytest.raises(ValueError, match="float64"):
        arithmetic.begin(**{**samples, "returns": wide})
    with pytest.raises(ValueError, match="not dense"):
        arithmetic.begin(**{**samples, "obs": np.asfortranarray(samples["obs"])})
    with pytest.raises(ValueError, match=r"out is float32 \(50, 3\), dense; .* \(49, 3\)"):
        arithmetic.act(samples["obs"][:49], None, None, None, np.empty((50, 3), np.float32))
    arithmetic.begin(**samples)
    positions: Any = np.arange(3)
    counts, out = np.array([3], np.int32), np.empty((1, nets.params.size), np.float32)
    with pytest.raises(ValueError, match="int64"):
        arithmetic.gradients(positions, counts, 0.0, 1.0, 3, out, np.empty((1, 4)))
    with pytest.raises(ValueError, match="figures"):
        arithmetic.gradients(positions.astype(np.int32), counts, 0.0, 1.0, 3, out, np.empty((1, 5)))
    with pytest.raises(ValueError, match="float64"):
        CompiledArithmetic(library, ActorCritic(5, 3, (6,), "tanh", np.float64), Adam(nets.params), CONFIG)
    assert np.isfinite(nets.params).all()


def test_what_is_not_a_number_stays_one(library: Library) -> None:
    bad = np.array([[np.nan, 0.5]], np.float32)
    low, high = np.full(2, -1.0, np.float32), np.full(2, 1.0, np.float32)
    assert np.isnan(library.to_bounds(bad, low, high)[0]).tolist() == [True, False]
    assert np.isnan(library.normalize(bad, low, high, np.empty_like(bad))[0]).tolist() == [True, False]


def test_a_library_that_is_not_ours_says_what_to_do(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(b"not a library")
    with pytest.raises(ConfigError, match='choose kernels="numpy"'):
        Library(foreign)


def test_a_library_of_another_interface_is_refused(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "INTERFACE", bound.INTERFACE + 1)
    with pytest.raises(ConfigError, match=f"it has interface {bound.INTERFACE - 1}"):
        Library(compiled / kernels.NATIVE)


@pytest.mark.parametrize("norm", [False, True])
def test_nothing_beside_outputs_and_workspace_is_written(library: Library, norm: bool) -> None:
    nets, exact = make_nets((5, (7, 3), 3), "elu", 1, layer_norm=norm)
    arithmetic = CompiledArithmetic(library, nets, Adam(nets.params), CONFIG)
    size = arithmetic._actor.workspace.size
    longer = np.full(size + 64, np.float32(7.0))
    arithmetic._rest = (longer.ctypes.data, *arithmetic._rest[1:])
    wide = np.full((9, 3), np.float32(7.0))
    arithmetic.act(np.ones((7, 5), np.float32), None, None, None, wide[1:8])
    assert (wide[[0, 8]] == 7.0).all()
    assert (wide[1:8] != 7.0).all()
    arithmetic.begin(**make_samples(nets, exact, 600, 1))
    grads, figures = np.full((4, nets.params.size), np.float32(7.0)), np.full((4, 4), 7.0)
    counts = np.array([590, 10], np.int32)
    arithmetic.gradients(np.arange(600, dtype=np.int32), counts, 0.0, 1.0, 600, grads[1:3], figures[1:3])
    assert (longer[size:] == 7.0).all()
    assert (grads[[0, 3]] == 7.0).all()
    assert (figures[[0, 3]] == 7.0).all()
    assert (grads[1:3] != 7.0).all()
    _pass_in_guarded_memory(library, nets)


def _pass_in_guarded_memory(library: Library, nets: ActorCritic) -> None:
    network = CompiledMLP(library, nets.actor)
    size, kept = network.workspace.size, 600 * network._kept
    longer, hidden = np.full(size + 64, np.float32(7.0)), np.full(kept + 64, np.float32(7.0))
    network._scratch = longer.ctypes.data
    network._batches[600] = (np.zeros((600, 3), np.float32), hidden)
    d_x, d_params = np.full((602, 5), np.float32(7.0)), np.full(nets.actor.params.size + 2, np.float32(7.0))
    network.forward(np.ones((600, 5), np.float32))
    network.backward(np.ones((600, 3), np.float32), d_params[1:-1], d_x[1:-1])
    for guard in (longer[size:], hidden[kept:], d_x[[0, -1]], d_params[[0, -1]]):
        assert (guard == 7.0).all()
    assert (hidden[:kept] != 7.0).all()
