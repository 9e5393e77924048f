"""Proximal policy optimisation with a clipped objective (arXiv:1707.06347, eq. 7).

The formulas are in nn/ppo_loss.py and nn/arithmetic.py; this is the order in which they are used, on the
shards of one member of a team.
"""

from collections.abc import Iterator

import numpy as np

from tabrl_py.algos.algorithm import Actor, UpdateStats, draw_noise
from tabrl_py.algos.gradient_sum import GradientSum
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.samples import Minibatches, Samples, explained_variance, prepare_samples
from tabrl_py.algos.shards import Share, Waiting
from tabrl_py.config import PPOConfig, Recipe
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.nn.acting import Acting
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.arithmetic import make_arithmetic
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.ppo_loss import SUMS, MinibatchFigures, Outcome
from tabrl_py.nn.symmetry import Symmetry
from tabrl_py.tasks.spec import Mirror
from tabrl_py.types import F32, F64, I32, Float

ADAPT_FACTOR = 1.5
ADAPT_RANGE = (1e-5, 1e-2)
KL = SUMS.index("kl")


class PPO:
    """See Algorithm.

    With symmetry="augment" each minibatch holds its samples and their mirror images: observation and action
    mirrored, advantage, return and old log-probability those of the sample. A robot whose left and right are
    alike should do in the mirrored state the mirrored thing; without being told, it learns each side apart.
    Abdolhosseini et al., "On Learning Symmetric Locomotion", MIG 2019 (duplicate tuples); Mittal et al.,
    "Symmetry Considerations for Learning Task Symmetric Robot Policies", arXiv:2403.04359, where as here the
    old log-probability is the one the action was drawn with. The divergence that stops an update is that of
    the samples alone: the policy need not have been symmetric when it acted.
    With symmetry="network" the networks are symmetric by construction; see nn/symmetry.py.

    Attributes:
        nets: what is learned.
        learning_rate: of the present update; adaptive schedules carry it from one to the next.
    """

    def __init__(
        self, recipe: Recipe, nets: ActorCritic, share: Share | None = None, mirror: Mirror | None = None
    ) -> None:
        """Learn nets, whose weights are already initialised.

        Args:
            recipe: of PPO.
            nets: alike on every member.
            share: this member's; without one, the whole run.
            mirror: of the task.

        Raises:
            ConfigError: the recipe wants mirror images and there is no mirror.
        """
        config = recipe.algo
        assert isinstance(config, PPOConfig)
        if config.symmetry != "none" and mirror is None:
            raise ConfigError(
                f"algo.symmetry={config.symmetry} needs a task that knows its mirror image; {recipe.task} "
                "does not. Choose none"
            )
        self.config, self.nets, self._recipe = config, nets, recipe
        self._share = Share(recipe.n_envs) if share is None else share
        self._mirror = mirror if config.symmetry == "augment" else None
        self._symmetry: Symmetry | None = None
        if config.symmetry == "network" and mirror is not None:
            self._symmetry = Symmetry(nets, mirror)
            self._symmetry.tie(nets)
        self.optimizer = Adam(nets.params)
        self.learning_rate = config.learning_rate
        self._arithmetic = make_arithmetic(recipe.kernels, nets, self.optimizer, config)
        self.arithmetic = self._arithmetic.name
        self.reward_discount = config.gamma if config.scale_reward else None
        self.acts_on_rewards = False
        self._sum = GradientSum(self._share, self._arithmetic.tree_sum, nets.params.size)
        shards = len(self._share.mine)
        self._with_images: F32 = np.zeros((2 * shards if self._mirror else 0, nets.params.size), np.float32)
        self._figures_with_images: F64 = np.zeros((2 * shards, len(SUMS)))

    def begin_rollout(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> None:
        """See Algorithm.begin_rollout."""
        config = self.config
        if self._symmetry is not None and normalizer is not None:
            self._symmetry.even_out(normalizer.moments)
            normalizer.refresh()
        if config.exploration == "annealed":
            first = self._recipe.network.init_log_std
            self.nets.log_std[...] = first + (config.final_log_std - first) * progress
        draw_noise(rollout, self._share, self._recipe.seed, update)
        self._noise = rollout.noise
        self._mean = None if normalizer is None else normalizer.mean
        self._scale = None if normalizer is None else normalizer.scale

    def act(self, t: int, obs: F32, out: F32) -> None:
        """See Algorithm.act."""
        self._arithmetic.act(obs, self._noise[t], self._mean, self._scale, out)

    def acting(self) -> Acting | None:
        """See Algorithm.acting."""
        return self._arithmetic.acting(self._mean, self._scale)

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats | None]:
        """See Algorithm.update."""
        config, share = self.config, self._share
        samples = self._prepare(rollout, normalizer)
        if config.lr_schedule == "linear":
            self.learning_rate = config.learning_rate * (1.0 - progress * (1.0 - config.lr_final))
        batches = Minibatches(
            share, self._recipe.seed, update, rollout.n_steps, config.n_epochs, config.minibatch_size
        )
        sums = yield from share.gather(
            {"advantages": batches.sums(samples.advantages), "explained": samples.explained}
        )
        if config.normalize_advantage:
            batches.normalize(sums["advantages"])
        explained = explained_variance(sums["explained"], rollout.n_steps * share.shard_rows)
        totals = _Totals(explained, self.learning_rate, self.nets)
        yield totals.stats()
        for epoch in range(config.n_epochs):
            for k in range(batches.count):
                self._gradients(batches, epoch, k, len(samples.log_prob))
                going_on = yield from self._step(batches.of_each_shard(k), totals)
                if not going_on:
                    break
                yield totals.stats()
            else:
                totals.epochs += 1
                continue
            break
        if config.lr_schedule == "adaptive":
            self._adapt(totals.last_kl)
        yield totals.stats()

    def _prepare(self, rollout: Rollout, normalizer: ObsNormalizer | None) -> Samples:
        """Make this member's samples, and hand them to the arithmetic."""
        config, arithmetic = self.config, self._arithmetic
        samples = prepare_samples(
            rollout,
            normalizer,
            self._share,
            arithmetic,
            self.nets.log_std,
            config.gamma,
            config.gae_lambda,
            self._mirror,
        )
        of_each = [samples.log_prob, samples.advantages, samples.returns]
        if self._mirror is not None:
            of_each = [np.tile(numbers, 2) for numbers in of_each]
        arithmetic.begin(samples.obs, samples.actions, *of_each)
        return samples

    def _gradients(self, batches: Minibatches, epoch: int, k: int, samples: int) -> None:
        """The gradients of this member's shards of a minibatch, and their figures, into the sum's leaves."""
        share, leaves, figures = self._share, self._sum.leaves, self._sum.figures
        rows, count = batches.rows(epoch, k), batches.of_each_shard(k)
        shards = len(share.mine)
        mean, scale = float(batches.mean[epoch, k]), float(batches.scale[epoch, k])
        if self._mirror is None:
            counts: I32 = np.full(shards, count, np.int32)
            self._arithmetic.gradients(
                rows.ravel(), counts, mean, scale, count * share.shards, leaves, figures
            )
            return
        counts = np.full(2 * shards, count, np.int32)
        both = np.concatenate([rows, rows + np.int32(samples)]).ravel()
        gradients, found = self._with_images, self._figures_with_images
        self._arithmetic.gradients(both, counts, mean, scale, 2 * count * share.shards, gradients, found)
        with np.errstate(all="ignore"):  # what is not finite is found in the sum
            np.add(gradients[:shards], gradients[shards:], out=leaves)
            np.add(found[:shards], found[shards:], out=figures)
            figures[:, KL] = 2.0 * found[:shards, KL]

    def _step(self, of_each_shard: int, totals: "_Totals") -> Waiting[bool]:
        """One gradient step on what all shards found; False when the KL stop ends the update instead."""
        gradient, figures = yield from self._sum.total()
        if self._symmetry is not None:
            self._symmetry.average(gradient)
        samples = of_each_shard * self._share.shards * (1 if self._mirror is None else 2)
        outcome, means = self._arithmetic.apply(gradient, figures, samples, self.learning_rate)
        if outcome == Outcome.STEPPED:
            totals.add(means)
        elif outcome == Outcome.NOT_FINITE:
            totals.skipped += 1
        else:
            totals.last_kl = means.kl
        return outcome != Outcome.KL_STOP

    def _adapt(self, kl: float) -> None:
        """Keep the divergence of an update near target_kl (0.01 when there is no KL stop)."""
        target = self.config.target_kl or 0.01
        if kl > 2.0 * target:
            self.learning_rate = max(self.learning_rate / ADAPT_FACTOR, ADAPT_RANGE[0])
        elif kl < 0.5 * target:
            self.learning_rate = min(self.learning_rate * ADAPT_FACTOR, ADAPT_RANGE[1])

    def actor(self) -> Actor:
        """See Algorithm.actor."""
        nets, mlp = self.nets, self.nets.actor
        params = nets.params[: nets.actor_size].copy()
        return Actor(mlp.sizes, mlp.activation, params, layer_norm=mlp.layer_norm)

    def load_actor(self, params: F32) -> None:
        """See Algorithm.load_actor."""
        self.nets.params[: self.nets.actor_size] = params
        if self._symmetry is not None and not self._symmetry.holds(self.nets):
            raise PolicyFileError(
                "the policy does left and right differently, and the recipe's networks cannot: "
                "set algo.symmetry to none or augment to start from it"
            )

    def state(self) -> dict[str, Float]:
        """See Algorithm.state."""
        adam = self.optimizer
        return {
            "params": self.nets.params,
            "adam_m": adam.m,
            "adam_v": adam.v,
            "adam_count": np.array(float(adam.step_count)),
            "learning_rate": np.array(self.learning_rate),
        }

    def memory(self) -> dict[str, Float]:
        """See Algorithm.memory."""
        return {}

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.nets.params[...] = state["params"]
        self.optimizer.m[...] = state["adam_m"]
        self.optimizer.v[...] = state["adam_v"]
        self.optimizer.step_count = int(state["adam_count"])
        self.learning_rate = float(state["learning_rate"])


class _Totals:
    """Means over the minibatches of an update."""

    def __init__(self, explained: float, learning_rate: float, nets: ActorCritic) -> None:
        self.explained, self.learning_rate, self._nets = explained, learning_rate, nets
        self.sums = np.zeros(5)
        self.count = self.epochs = self.skipped = 0
        self.last_kl = 0.0

    def add(self, means: MinibatchFigures) -> None:
        self.sums += (
            means.policy_loss,
            means.value_loss,
            means.entropy,
            means.clip_fraction,
            means.grad_norm,
        )
        self.last_kl = means.kl
        self.count += 1

    def stats(self) -> UpdateStats:
        averages = [float(x) for x in self.sums / max(self.count, 1)]
        policy, value, entropy_nats, clipped, norm = averages
        return UpdateStats(
            policy_loss=policy,
            value_loss=value,
            entropy=entropy_nats,
            kl=self.last_kl,
            clip_fraction=clipped,
            explained_variance=self.explained,
            learning_rate=self.learning_rate,
            grad_norm=norm,
            action_std=float(np.mean(np.exp(self._nets.log_std))),
            epochs_run=self.epochs,
            skipped=self.skipped,
        )
