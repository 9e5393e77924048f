"""A file that somebody brought, whatever program wrote it, as a policy."""

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy.file import Policy, load_policy
from tabrl_py.policy.imports.onnx_network import read_onnx
from tabrl_py.policy.imports.stable_baselines3 import read_ppo

LARGEST_BYTES = 256 * 1024 * 1024
_ZIP = b"PK\x03\x04"


def import_policy(data: bytes, task: str = "", normalizer: bytes | None = None) -> Policy:
    """The policy in a safetensors file of TabRL, an ONNX model, or a zip of Stable-Baselines3's PPO.

    Args:
        data: the file; its first bytes say which of these it is.
        task: id of the task to prefer, where a foreign policy fits several; "" for none.
        normalizer: the statistics that VecNormalize saved beside a zip.

    Raises:
        PolicyFileError: none of these, or one that no task can use.
    """
    if len(data) > LARGEST_BYTES:
        raise PolicyFileError(f"the file has {len(data)} bytes; policies have at most {LARGEST_BYTES}")
    if normalizer is not None and not data.startswith(_ZIP):
        raise PolicyFileError("a VecNormalize file goes with a Stable-Baselines3 zip; choose both together")
    with np.errstate(all="ignore"):  # what is not finite is refused at the end
        if data.startswith(_ZIP):
            return read_ppo(data, task, normalizer)
        if data[8:9] == b"{":
            return load_policy(data)
        return read_onnx(data, task)
