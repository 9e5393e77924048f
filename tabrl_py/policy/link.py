"""Share links: a policy or a recipe as the fragment of the page's address (docs/formats.md, "Link").

A link is `#p=` (a policy) or `#r=` (a recipe) and base64url, without padding, of: a byte with the version, a
CRC-32 of the rest (4 bytes, the low one first), and the payload of link_layout.py as raw deflate (RFC 1951).
"""

import base64
import re
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.nn.mlp import layer_views, parameter_count
from tabrl_py.policy.file import Policy
from tabrl_py.policy.link_layout import LARGEST_COUNT, LAYOUT, VERSION
from tabrl_py.policy.link_record import AGAIN, LinkError, Values, pack, unpack
from tabrl_py.tasks import TASKS
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Float

EPSILON = 1e-8
"""nn/normalize.py adds it to the variance."""
SMALLEST = 2.0**-14
"""Of normal float16: a row of weights that are all smaller says nothing and becomes zero."""
LARGEST = 65_504.0
LEVELS = 127
KINDS = {LAYOUT[kind]["key"]: kind for kind in ("policy", "recipe")}
FRAGMENT = re.compile(r"#?([a-z])=([A-Za-z0-9_-]*)", re.ASCII)


@dataclass(frozen=True)
class SharedPolicy:
    """A policy as it came out of a link, with what the link calls it."""

    policy: Policy
    name: str
    made: str


@dataclass(frozen=True)
class SharedRecipe:
    """A recipe as it came out of a link. Its reward is a text that nobody has looked at yet."""

    recipe: Recipe
    name: str
    made: str


def policy_link(policy: Policy, name: str, made: str = "", *, precision: str = "int8") -> str:
    """The fragment that carries a policy.

    Args:
        policy: of a task that comes with TabRL.
        name: at most 120 bytes, shown to whoever opens the link.
        made: how it came about, in a few words, at most 200 bytes.
        precision: of the weights: int8 (each unit's weights in 255 levels up to its largest) or f16.

    Raises:
        LinkError: it does not fit.
    """
    return wrap("policy", pack(LAYOUT["policy"]["fields"], policy_values(policy, name, made, precision)))


def recipe_link(recipe: Recipe, name: str, made: str = "") -> str:
    """The fragment that carries a recipe, its reward code included.

    Raises:
        LinkError: it does not fit.
    """
    return wrap("recipe", pack(LAYOUT["recipe"]["fields"], recipe_values(recipe, name, made)))


def read_link(link: str) -> SharedPolicy | SharedRecipe:
    """What a link carries; its reward, if any, is not run.

    Args:
        link: an address with a fragment, or the fragment alone.

    Raises:
        LinkError: it is no link, or damaged, or of another version, or for a task that is not known here.
    """
    kind, payload = unwrap(link)
    values = unpack(LAYOUT[kind]["fields"], payload)
    task = TASKS.get(values["task"])
    if task is None:
        raise LinkError(
            f"the link is for the task {values['task']!r}, which this TabRL does not have; "
            f"its tasks are {', '.join(TASKS)}"
        )
    made = (values["name"], values["made"])
    if kind == "policy":
        return SharedPolicy(_policy_of(values, task), *made)
    return SharedRecipe(_recipe_of(values), *made)


def wrap(kind: str, payload: bytes) -> str:
    """A payload as a fragment."""
    if len(payload) > LAYOUT["largest_payload"]:
        raise LinkError(
            f"{len(payload)} bytes are too many for a link, which takes {LAYOUT['largest_payload']}; "
            f"export a file instead"
        )
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = deflate.compress(payload) + deflate.flush()
    raw = bytes([VERSION]) + zlib.crc32(packed).to_bytes(4, "little") + packed
    link = f"#{LAYOUT[kind]['key']}={base64.urlsafe_b64encode(raw).decode().rstrip('=')}"
    if len(link) > LAYOUT["longest_link"]:
        raise LinkError(f"{len(link)} characters are too many for a link; export a file instead")
    return link


def unwrap(link: str) -> tuple[str, bytes]:
    """The kind and the payload of a link.

    Raises:
        LinkError: it is none, or cut short, changed on its way, of another version, or larger than links are.
    """
    if len(link) > LAYOUT["longest_link"] + 2048:
        raise LinkError(f"{len(link)} characters are too many for a link; {AGAIN}")
    found = FRAGMENT.fullmatch(link[max(0, link.find("#")) :])
    if found is None or found[1] not in KINDS:
        raise LinkError(f"this is no link of TabRL: {link!r:.60}; one ends in #p=... or #r=...")
    text = found[2]
    if len(text) % 4 == 1:
        raise LinkError(f"the link is cut short: {len(text)} characters; {AGAIN}")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) < 6:
        raise LinkError(f"the link is cut short: {len(raw)} bytes; {AGAIN}")
    if raw[0] != VERSION:
        raise LinkError(
            f"the link has version {raw[0]}, this TabRL reads {VERSION}; use the one that made it"
        )
    if zlib.crc32(raw[5:]) != int.from_bytes(raw[1:5], "little"):
        raise LinkError(f"the link is cut short or was changed on its way; {AGAIN}")
    inflate = zlib.decompressobj(-15)
    try:
        payload = inflate.decompress(raw[5:], LAYOUT["largest_payload"])
    except zlib.error as error:
        raise LinkError(f"the link is damaged: {error}; {AGAIN}") from error
    if not inflate.eof or inflate.unused_data:
        raise LinkError(f"the link is damaged: its data does not end where it should; {AGAIN}")
    return KINDS[found[1]], payload


def to_half(name: str, values: Float) -> npt.NDArray[np.uint16]:
    """The bits of the nearest float16; LinkError beyond its range."""
    if not (np.abs(values) <= LARGEST).all():
        raise LinkError(
            f"{name} holds numbers beyond {LARGEST:g}, too large for a link; export a file instead"
        )
    return values.astype(np.float64).astype(np.float16).view(np.uint16)


def from_half(bits: npt.ArrayLike) -> F64:
    """The numbers that these bits of float16 are."""
    return np.asarray(bits, np.uint16).view(np.float16).astype(np.float64)


def policy_values(policy: Policy, name: str, made: str, precision: str) -> Values:
    """The fields of a policy's link."""
    if policy.task not in TASKS:
        raise LinkError(
            f"a link takes policies of TabRL's own tasks, not of {policy.task}; export a file instead"
        )
    sizes = list(policy.sizes)
    layers = [(w.astype(np.float64), b.astype(np.float64)) for w, b in layer_views(sizes, _network(policy))]
    values: Values = {
        "task": policy.task,
        "name": name,
        "made": made,
        "layout_version": policy.layout_version,
        "steps": policy.steps,
        "sizes": sizes,
        "activation": policy.activation,
        "layer_norm": "yes" if policy.layer_norm else "no",
        "squash": policy.squash,
        "precision": precision,
        "normalized": "no",
        "log_std": to_half("log_std", policy.log_std),
    }
    if policy.obs_mean is not None and policy.obs_var is not None:
        std: F64 = np.sqrt(policy.obs_var + EPSILON)
        mean = to_half("obs.mean", policy.obs_mean)
        # What float16 takes from the mean, the first layer's biases give back, but for what is clipped.
        shift = (from_half(mean) - policy.obs_mean) / std
        w, b = layers[0]
        layers[0] = (w, b + _product(shift, w))
        count = min(round(policy.obs_count), LARGEST_COUNT)
        values |= {
            "normalized": "yes",
            "obs_count": count,
            "obs_mean": mean,
            "obs_std": to_half("obs.var", std),
        }
    values["biases"] = to_half("bias", np.concatenate([b for _, b in layers]))
    rows = [w.T for w, _ in layers]
    if precision == "f16":
        return values | {"weights16": to_half("weight", np.concatenate([w.ravel() for w in rows]))}
    if precision != "int8":
        raise LinkError(f"precision={precision!r} is not known; choose int8 or f16")
    largest = np.concatenate([np.abs(w).max(axis=1) for w in rows])
    row_max = to_half("weight", np.where(largest < SMALLEST, 0.0, largest))
    steps = np.split(LEVELS / np.where(row_max == 0, np.inf, from_half(row_max)), np.cumsum(sizes[1:-1]))
    levels = [np.rint(w * step[:, None]).ravel() for w, step in zip(rows, steps, strict=True)]
    return values | {"row_max": row_max, "weights8": np.concatenate(levels).astype(np.int8)}


def _product(x: F64, w: F64) -> F64:
    """X W, summed in the order in which the page does it, so that both write the same bytes."""
    total: F64 = np.zeros(w.shape[1])
    for value, row in zip(x, w, strict=True):
        total += value * row
    return total


def _network(policy: Policy) -> F32:
    if not np.isfinite(policy.params).all():
        raise LinkError("the policy has weights that are not finite: the training broke; use an earlier one")
    return policy.params[: -policy.sizes[-1]]


def _policy_of(values: Values, task: TaskSpec) -> Policy:
    sizes = tuple(values["sizes"])
    if sizes[0] != task.obs_size or sizes[-1] != task.action_size:
        raise LinkError(
            f"the link's policy takes {sizes[0]} numbers and gives {sizes[-1]}, the task {task.id} has "
            f"{task.obs_size} and {task.action_size}; {AGAIN}"
        )
    if values["layout_version"] != task.layout_version:
        raise LinkError(
            f"the link's policy reads layout version {values['layout_version']} of {task.id}, "
            f"this TabRL gives {task.layout_version}; use the TabRL that made it"
        )
    count = parameter_count(sizes)
    params: F32 = np.empty(count + sizes[-1], np.float32)
    biases, rows = from_half(values["biases"]), _rows(values)
    at = 0
    for (w, b), row in zip(layer_views(sizes, params[:count]), rows, strict=True):
        w[...], b[...] = row.T, biases[at : at + b.size]
        at += b.size
    params[count:] = from_half(values["log_std"])
    normalizer: dict[str, Any] = {}
    if values["normalized"] == "yes":
        std = from_half(values["obs_std"])
        if (std < np.sqrt(EPSILON)).any():
            raise LinkError(f"the link is damaged: obs_std cannot be {std.min():g}; {AGAIN}")
        normalizer = {
            "obs_mean": from_half(values["obs_mean"]),
            "obs_var": np.maximum(std * std - EPSILON, 0.0),
            "obs_count": float(values["obs_count"]),
        }
    return Policy(
        task=task.id,
        model=task.model,
        layout_version=task.layout_version,
        sizes=sizes,
        activation=values["activation"],
        action_low=task.action_low,
        action_high=task.action_high,
        params=params,
        squash=values["squash"],
        layer_norm=values["layer_norm"] == "yes",
        steps=values["steps"],
        **normalizer,
    )


def _rows(values: Values) -> list[F64]:
    """Each layer's weights, (out, in)."""
    sizes = values["sizes"]
    if values["precision"] == "f16":
        flat = from_half(values["weights16"])
    else:
        row_max = from_half(values["row_max"])
        if (row_max < 0.0).any():
            raise LinkError(f"the link is damaged: row_max cannot be {row_max.min():g}; {AGAIN}")
        widths = np.repeat(sizes[:-1], sizes[1:])
        flat = values["weights8"].astype(np.float64) * np.repeat(row_max, widths) / LEVELS
    ends = np.cumsum([a * b for a, b in pairwise(sizes)])[:-1]
    return [
        part.reshape(n_out, n_in)
        for part, (n_in, n_out) in zip(np.split(flat, ends), pairwise(sizes), strict=True)
    ]


def recipe_values(recipe: Recipe, name: str, made: str) -> Values:
    """The fields of a recipe's link."""
    if recipe.task not in TASKS:
        raise LinkError(
            f"a link takes recipes of TabRL's own tasks, not of {recipe.task}; send the recipe as text"
        )
    record = recipe.to_json()
    settings: dict[str, Any] = {}
    for path, value in record.items():
        if path in ("recipe_version", "task", "algorithm", "reward"):
            continue
        if isinstance(value, dict):
            settings |= {f"{path}.{key}": _typed(getattr(recipe, path), key) for key in value}
        else:
            settings[path] = _typed(recipe, path)
    return {
        "task": recipe.task,
        "name": name,
        "made": made,
        "recipe_version": record["recipe_version"],
        "algorithm": recipe.algorithm,
        "settings": settings,
        "reward": recipe.reward,
    }


def _typed(config: object, key: str) -> object:
    """A setting's value in the type it is declared with: 1 that stands for 1.0 is a float."""
    value = getattr(config, key)
    return float(value) if type(config).__annotations__[key] in (float, "float") else value


def _recipe_of(values: Values) -> Recipe:
    record: dict[str, Any] = {
        "recipe_version": values["recipe_version"],
        "task": values["task"],
        "algorithm": values["algorithm"],
        "reward": values["reward"],
        "network": {},
        "algo": {},
    }
    for path, value in values["settings"].items():
        first, _, second = path.partition(".")
        if not second:
            if first in record:
                raise LinkError(f"the link is damaged: {first} is no setting; {AGAIN}")
            record[first] = value
        elif first in ("network", "algo"):
            record[first][second] = value
        else:
            raise LinkError(f"the link is damaged: {path!r:.60} is no setting; {AGAIN}")
    try:
        return Recipe.from_json(record)
    except ConfigError as error:
        raise LinkError(f"the link's recipe cannot run: {error}; {AGAIN}") from error
