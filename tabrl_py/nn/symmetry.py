"""Networks that are left-right symmetric by construction: mirrored senses, mirrored actions, the same value.

Hidden units come in pairs, unit j and its image j + n/2. A network is symmetric when exchanging every unit
with its image, senses and actions with theirs, leaves its parameters as they are. Parameters that begin so
stay so if every gradient is replaced by the mean of itself and its image, because Adam treats equal histories
equally. It costs no more samples and no more passes than a free network, and each step teaches both sides.
Abdolhosseini et al., "On Learning Symmetric Locomotion", MIG 2019, compare this ("symmetric network") with
mirrored samples and with a loss.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tabrl_py.errors import ConfigError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.mlp import MLP, layer_views
from tabrl_py.nn.normalize import RunningMoments
from tabrl_py.tasks.spec import Mirror
from tabrl_py.types import F32, F64

Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Units:
    """The image of a layer's units: number i of it is sign[i] * x[source[i]]."""

    source: Index
    sign: F32


def _paired(count: int) -> _Units:
    return _Units((np.arange(count) + count // 2) % count, np.ones(count, np.float32))


class Symmetry:
    """The mirror image of an actor-critic's parameters.

    Attributes:
        source: (P,) which parameter each parameter of the image is.
        sign: (P,) 1 or -1, float32.
    """

    def __init__(self, nets: ActorCritic, mirror: Mirror) -> None:
        """Map the parameters of networks for a task with this mirror.

        Raises:
            ConfigError: a hidden layer cannot be paired, or the mirror is not that of the networks.
        """
        sizes = nets.actor.sizes
        odd = [units for units in sizes[1:-1] if units % 2]
        if odd:
            raise ConfigError(
                f"network.hidden={sizes[1:-1]}: algo.symmetry=network pairs the units of each layer; "
                f"make {odd[0]} even, for example {odd[0] + 1}"
            )
        if (len(mirror.observation), len(mirror.action)) != (sizes[0], sizes[-1]):
            raise ConfigError(
                f"the task's mirror is for {len(mirror.observation)} observations and {len(mirror.action)} "
                f"actions; the networks have {sizes[0]} and {sizes[-1]}"
            )
        self._senses = _Units(np.array(mirror.observation), np.array(mirror.observation_sign, np.float32))
        actions = _Units(np.array(mirror.action), np.array(mirror.action_sign, np.float32))
        value = _Units(np.zeros(1, np.intp), np.ones(1, np.float32))
        # As numbers, so that they can be viewed layer by layer like the parameters themselves.
        place: F64 = np.arange(nets.params.size, dtype=np.float64)
        source: F64 = place.copy()
        self.sign: F32 = np.ones(nets.params.size, np.float32)
        mean_size, both = nets.d_actor.size, nets.actor_size
        self._map(nets.actor, place[:mean_size], source[:mean_size], self.sign[:mean_size], actions)
        source[mean_size:both] = mean_size + actions.source
        self._map(nets.critic, place[both:], source[both:], self.sign[both:], value)
        self.source: Index = source.astype(np.intp)
        self._scratch: F32 = np.empty(nets.params.size, np.float32)

    def _map(self, net: MLP, place: F64, source: F64, sign: F32, last: _Units) -> None:
        units = [self._senses, *(_paired(n) for n in net.sizes[1:-1]), last]
        layers = zip(*(layer_views(net.sizes, part) for part in (place, source, sign)), strict=True)
        for (before, after), ((at_w, at_b), (to_w, to_b), (sign_w, sign_b)) in zip(
            pairwise(units), layers, strict=True
        ):
            to_w[...] = at_w[before.source[:, None], after.source]
            to_b[...] = at_b[after.source]
            sign_w[...] = before.sign[:, None] * after.sign
            sign_b[...] = after.sign

    def tie(self, nets: ActorCritic) -> None:
        """Make first parameters symmetric: each plus its image, over sqrt(2) so that their spread stays."""
        log_std = nets.log_std.copy()
        self._add_image(nets.params)
        nets.params *= np.float32(np.sqrt(0.5))
        nets.log_std[...] = log_std

    def holds(self, nets: ActorCritic) -> bool:
        """Whether the parameters are exactly symmetric."""
        return bool(np.array_equal(nets.params, self.sign * nets.params[self.source]))

    def average(self, gradient: F32) -> None:
        """Replace a gradient, (P,), by the mean of itself and its image."""
        self._add_image(gradient)
        gradient *= np.float32(0.5)

    def _add_image(self, numbers: F32) -> None:
        np.take(numbers, self.source, out=self._scratch)
        np.multiply(self._scratch, self.sign, out=self._scratch)
        with np.errstate(all="ignore"):  # what is not finite is found where it would be used
            np.add(numbers, self._scratch, out=numbers)

    def even_out(self, moments: RunningMoments) -> None:
        """Make the moments of observations, (O,), those of the observations and their images together."""
        source, sign = self._senses.source, self._senses.sign.astype(np.float64)
        image: F64 = sign * moments.mean[source]
        apart = 0.5 * (moments.mean - image)
        moments.mean, moments.var = (
            0.5 * (moments.mean + image),
            0.5 * (moments.var + moments.var[source]) + np.square(apart),
        )
