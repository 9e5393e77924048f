"""Sine and cosine of web/workers/trigonometry.js, the same in every browser, beside the C library's."""

from __future__ import annotations

import hashlib
import math
import shutil
import subprocess
from array import array
from pathlib import Path

import numpy as np
import pytest

MODULE = Path(__file__).resolve().parents[2] / "web" / "workers" / "trigonometry.js"
ANSWER = """
import { readFileSync, writeSync } from "node:fs";
const source = readFileSync(process.argv[1], "utf8");
const text = Buffer.from(source).toString("base64");
const { sine, cosine } = await import(`data:text/javascript;base64,${text}`);
const x = new Float64Array(new Uint8Array(readFileSync(0)).buffer);
const values = Float64Array.from([...x].flatMap((each) => [sine(each), cosine(each)]));
const answer = new Uint8Array(values.buffer);
for (let at = 0; at < answer.length; ) at += writeSync(1, answer, at);
"""


def sines_and_cosines(x: array[float]) -> bytes:
    """(n, 2) doubles: of each number its sine and its cosine, as the workers' module computes them."""
    node = shutil.which("node")
    assert node is not None
    command = [node, "--input-type=module", "--eval", ANSWER, str(MODULE)]
    return subprocess.run(command, input=x.tobytes(), capture_output=True, check=True).stdout


def arguments() -> array[float]:
    """Angles near and far, and the doubles nearest to multiples of pi/4, where most digits cancel."""
    rng = np.random.default_rng(3)
    drawn = np.concatenate([rng.uniform(-10.0, 10.0, 20_000), rng.uniform(-1.6e6, 1.6e6, 20_000)])
    multiples = np.concatenate([np.arange(-2000, 2000), np.arange(-2_000_000, 2_000_000, 997)]) * (np.pi / 4)
    return array("d", np.concatenate([drawn, multiples, [0.0, 1e-300, -1e-8]]).tobytes())


def test_they_are_exact_to_two_units_in_the_last_place() -> None:
    x = arguments()
    values = np.frombuffer(sines_and_cosines(x)).reshape(-1, 2)
    expected = [(math.sin(each), math.cos(each)) for each in x]
    ulp = [(math.ulp(s), math.ulp(c)) for s, c in expected]
    errors = np.abs(values - np.array(expected)) / np.array(ulp)
    assert errors.max() <= 2.0


def test_their_bytes_are_those_of_every_other_engine() -> None:
    """The sum was computed in V8 and SpiderMonkey; another means that trainings part."""
    x = array("d", [k * 0.37 for k in range(-3000, 3000)] + [k * 1e5 for k in range(-40, 40)])
    digest = hashlib.sha256(sines_and_cosines(x)).hexdigest()
    assert digest == "383bc581e4a77f7164514d6a9c35996be00768692ba7ea80450267bec7f25001"


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_what_is_no_angle_has_none(x: float) -> None:
    assert np.isnan(np.frombuffer(sines_and_cosines(array("d", [x])))).all()


def test_far_angles_stay_in_range() -> None:
    values = np.frombuffer(sines_and_cosines(array("d", [1e7, -3e12, 1e300, -1.7e308])))
    assert (np.abs(values) <= 1.0).all()
