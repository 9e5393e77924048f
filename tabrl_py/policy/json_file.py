"""A policy as one JSON document, for readers without a safetensors library (docs/formats.md, "JSON")."""

import json
from typing import Any

import numpy as np

from tabrl_py.nn.mlp import NORM_EPSILON, layer_views
from tabrl_py.nn.normalize import CLIP, EPSILON
from tabrl_py.policy.file import Policy
from tabrl_py.types import Float

FORMAT, FORMAT_VERSION = "tabrl-policy-json", 1


def write_json(policy: Policy) -> bytes:
    """The document, UTF-8; equal policies give equal bytes. Its numbers are exactly those of the policy."""
    layers = layer_views(policy.sizes, policy.params[: -policy.sizes[-1]])
    record: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": policy.task,
        "model": policy.model,
        "layout_version": policy.layout_version,
        "obs_size": policy.sizes[0],
        "action_size": policy.sizes[-1],
        "normalizer": _normalizer(policy),
        "activation": policy.activation,
        "layer_norm": NORM_EPSILON if policy.layer_norm else None,
        "layers": [{"weight": _numbers(weight), "bias": _numbers(bias)} for weight, bias in layers],
        "squash": policy.squash,
        "action_low": list(policy.action_low),
        "action_high": list(policy.action_high),
        "log_std": _numbers(policy.log_std),
        "steps": policy.steps,
        "recipe": policy.recipe,
        "evaluation": policy.evaluation,
        "provenance": policy.provenance,
        "versions": policy.versions,
    }
    return (json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _normalizer(policy: Policy) -> dict[str, Any] | None:
    if policy.obs_mean is None or policy.obs_var is None:
        return None
    return {
        "mean": policy.obs_mean.tolist(),
        "var": policy.obs_var.tolist(),
        "count": policy.obs_count,
        "epsilon": EPSILON,
        "clip": CLIP,
    }


def _numbers(values: Float) -> object:
    """Lists of numbers with as few digits as a float32 needs."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [float(np.format_float_positional(value, unique=True)) for value in values]
