"""Left and right exchanged: the parts that mirror maps of robots are made of.

The mirror is the robot's middle plane, y -> -y. A vector (place, velocity, force) keeps x and z, a turning
vector (axis, rate, torque) keeps y. A hinge about axis a becomes a hinge about (-ax, ay, -az); where the
other side's axis points the opposite way, its angle changes sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabrl_py.tasks.spec import Mirror


@dataclass(frozen=True)
class Image:
    """Some numbers and their mirror image: number i of it is sign[i] * x[source[i]]."""

    source: tuple[int, ...]
    sign: tuple[float, ...]

    def __add__(self, other: "Image") -> "Image":
        """These numbers, then the others."""
        shifted = tuple(len(self.source) + i for i in other.source)
        return Image(self.source + shifted, self.sign + other.sign)


def in_place(*sign: float) -> Image:
    """Numbers that only change sign."""
    return Image(tuple(range(len(sign))), sign)


def kept(count: int) -> Image:
    """Numbers that are the same on both sides."""
    return in_place(*(1.0,) * count)


def turned(count: int) -> Image:
    """Numbers that all change sign."""
    return in_place(*(-1.0,) * count)


VECTOR = in_place(1.0, -1.0, 1.0)
"""A place, velocity or force."""
TURNING = in_place(-1.0, 1.0, -1.0)
"""A turning rate or torque."""
QUATERNION = in_place(1.0, -1.0, 1.0, -1.0)
"""w, x, y, z."""
SPATIAL = TURNING + VECTOR
"""MuJoCo's spatial vectors: turning part first."""
INERTIA = in_place(*(1.0, 1.0, 1.0, -1.0, 1.0, -1.0), *(1.0, -1.0, 1.0), 1.0)
"""mjData.cinert: xx, yy, zz, xy, xz, yz, mass times centre, mass."""


def exchanged(image: Image) -> Image:
    """The numbers of a right part, then those of the left one, or the other way round; each has `image`."""
    n = len(image.source)
    return Image(tuple((*(n + i for i in image.source), *image.source)), image.sign * 2)


def other_side(name: str) -> str:
    """The name of the same part on the other side; of a middle part, its own."""
    for one, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(one):
            return other + name.removeprefix(one)
    return name


def of_parts(names: Sequence[str], image: Image, others: Mapping[str, str] | None = None) -> Image:
    """The same numbers of each named part, one part after the other.

    Args:
        names: of the parts, in order.
        image: of the numbers of one part.
        others: each part's counterpart, where the names do not say it by left_ and right_.
    """
    n = len(image.source)
    sources: list[int] = []
    for name in names:
        other = others[name] if others is not None else other_side(name)
        sources.extend(n * names.index(other) + i for i in image.source)
    return Image(tuple(sources), image.sign * len(names))


def of_hinges(names: Sequence[str], turning: Sequence[str], others: Mapping[str, str] | None = None) -> Image:
    """Angles, speeds, torques or targets of hinges.

    Args:
        names: of the hinges, in order.
        turning: names, without their side, of those whose angle changes sign.
        others: each hinge's counterpart, where the names do not say it by left_ and right_.
    """
    placed = of_parts(names, kept(1), others)
    plain = [name.removeprefix("left_").removeprefix("right_") for name in names]
    return Image(placed.source, tuple(-1.0 if name in turning else 1.0 for name in plain))


def mirror(observation: Sequence[Image], action: Image) -> Mirror:
    """A task's mirror map, from the images of its observation fields, in order, and of its action."""
    whole = kept(0)
    for image in observation:
        whole += image
    return Mirror(whole.source, whole.sign, action.source, action.sign)
