"""An exported policy gives the same actions in onnxruntime-web (its wasm, in Node.js) as here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tabrl_py.policy import load_policy
from tabrl_py.policy.exports import export_policy

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "wasm/node_modules/onnxruntime-web/dist/ort.node.min.mjs"
DRIVER = Path(__file__).with_name("onnx_web.mjs")
ROWS = 256
SHIPPED = sorted((ROOT / "web/policies").glob("*.safetensors"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_policy_acts_the_same_in_onnxruntime_web(path: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    policy = load_policy(path.read_bytes())
    model = tmp_path / "policy.onnx"
    model.write_bytes(export_policy(policy, "onnx"))
    size = policy.sizes[0]
    mean = np.zeros(size) if policy.obs_mean is None else policy.obs_mean
    spread = np.ones(size) if policy.obs_var is None else np.sqrt(policy.obs_var)
    draws = np.random.default_rng(8).standard_normal((ROWS, size))
    obs = (mean + spread * draws).astype("<f4")
    answer = subprocess.run(
        [node, str(DRIVER), RUNTIME.as_uri(), str(model), str(size)],
        input=obs.tobytes(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    actions = np.frombuffer(answer.stdout, "<f4").reshape(ROWS, -1)
    np.testing.assert_allclose(actions, policy.act(obs), rtol=0, atol=1e-5)
