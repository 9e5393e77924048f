"""A run, or one member's share of it: collecting and learning in small pieces, records, checkpoints."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.checkpoint import Snapshot, prefixed, read_checkpoint, write_checkpoint
from tabrl_py.algos.clock import Clock
from tabrl_py.algos.collector import Collector
from tabrl_py.algos.episodes import EpisodeStatistics
from tabrl_py.algos.inheritance import HEIRS, RETURNS, inherited
from tabrl_py.algos.registry import make_algorithm
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.shards import Array, Share
from tabrl_py.algos.team import Team
from tabrl_py.algos.variation import Variation
from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.nn.normalize import ObsNormalizer, RewardScaler
from tabrl_py.policy.file import Policy, check_fits, parse
from tabrl_py.protocol import Progress
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import Float


class Training:
    """One run. advance() does one vector step or one piece of an update; the caller decides when.

    With a team this is one member: it has some of the run's rows, and everything else like all the others.
    The numbers do not depend on how many members there are.

    Attributes:
        recipe: what is run.
        share: which shards and rows are here.
        steps: control steps taken, over all environments of the run.
        update: updates finished.
        algorithm: what acts and learns.
    """

    def __init__(self, recipe: Recipe, task: TaskSpec, sim: BatchSim, team: Team | None = None) -> None:
        """Begin at the first step.

        Args:
            recipe: of the whole run.
            task: that it is for.
            sim: this member's environments, Share(recipe.n_envs, team).rows of the run.
            team: the line to the other members; None: there are none.

        Raises:
            ConfigError: the recipe is for another task, the simulation does not have this member's
                environments, or the algorithm cannot be learned so.
        """
        share = Share(recipe.n_envs, team)
        if recipe.task != task.id or sim.n_envs != len(share.rows):
            raise ConfigError(
                f"the recipe is {recipe.task} with {recipe.n_envs} environments, {len(share.rows)} of them "
                f"here; the simulation is {task.id} with {sim.n_envs}"
            )
        if not recipe.reward == task.reward.source == sim.task.reward.source:
            raise ConfigError(
                "the recipe's reward is not that of the task and the simulation; make both of "
                "recipe_task(recipe)"
            )
        self.recipe, self.task, self.sim, self.share = recipe, task, sim, share
        network, algo = recipe.network, recipe.algo
        self.normalizer = ObsNormalizer(task.obs_size) if network.normalize_obs else None
        self.algorithm = make_algorithm(recipe, task, share)
        self.scaler = RewardScaler(sim.n_envs, self.algorithm.reward_discount or 0.0)
        self.rollout = Rollout(algo.n_steps, sim.n_envs, task.obs_size, task.action_size)
        self._statistics = EpisodeStatistics(task, share)
        self.steps = self.update = self.skipped = self.unstable = 0
        self._clock = Clock()
        self._variation = Variation(task, recipe, sim, share.rows.start)
        self._collector = Collector(sim, self.rollout, self._variation, self._statistics, self._clock)
        self._updating: Iterator[Progress | None] | None = None
        self._stats = UpdateStats()
        self._variation.start()
        self._seen_unstable = self._unstable_here()
        self._saved = Snapshot.of(self._run_state())
        self._begin_rollout()

    @property
    def finished(self) -> bool:
        """Whether the recipe's steps are done; advance() then does nothing."""
        return self._updating is None and self.rollout.steps == 0 and self.steps >= self.recipe.total_steps

    @property
    def waiting(self) -> bool:
        """Whether the last advance() could do nothing but wait for the other members."""
        return self.share.waiting

    @property
    def seconds(self) -> float:
        """Time spent in training, pauses left out."""
        return self._clock.seconds

    @property
    def statistics(self) -> EpisodeStatistics:
        """Of the episodes up to the last step."""
        self._collector.catch_up()
        return self._statistics

    def rest(self) -> None:
        """Nobody will call advance() for a while: that time is not training time."""
        self._clock.rest()

    def advance(self) -> Progress | None:
        """Do a vector step, some of them, or one piece of an update; a record when an update is complete."""
        if self.finished:
            return None
        self._clock.begin(self.share.waiting)
        if self._updating is None:
            self.steps += self.recipe.n_envs * self._collector.step(self.algorithm)
            if self.rollout.full:
                self._updating = self._learn()
            return None
        record = next(self._updating)
        self._clock.lap("learning")
        self._clock.move("learning", "waiting", self.share.waited_s)
        self.share.waited_s = 0.0
        if record is None:
            return None
        self._updating = None
        return self._timed(record)

    def _learn(self) -> Iterator[Progress | None]:
        """From a full rollout to the next one's beginning; the last of what it yields is the record."""
        rollout, normalizer = self.rollout, self.normalizer
        rollout.last_obs[...] = self.sim.obs
        every = yield from self.share.gather(self._summed_up())
        if np.any(every["fingerprint"] != every["fingerprint"][0]):
            raise RuntimeError(
                f"after update {self.update} the workers' weights differ, which must not be; "
                "go on from the last checkpoint"
            )
        if self.algorithm.reward_discount is not None:
            for mean, var in every["reward"]:
                self.scaler.moments.merge(rollout.n_steps * self.share.shard_rows, mean, var)
            np.multiply(rollout.raw_rewards, self.scaler.scale, out=rollout.rewards, casting="same_kind")
        else:
            rollout.rewards[...] = rollout.raw_rewards
        for stats in self.algorithm.update(rollout, normalizer, self.update, self._progress):
            self._stats = stats or self._stats
            yield None
        if normalizer is not None:
            for mean, var in every["obs"]:
                normalizer.moments.merge(rollout.n_steps * self.share.shard_rows, mean, var)
            normalizer.refresh()
        self.update += 1
        self.skipped += self._stats.skipped
        self.unstable += int(every["unstable"].sum())
        record = self._record(self._statistics.summary(every, rollout.n_steps * self.recipe.n_envs))
        terms = record.reward_terms
        self._variation.after_update(self._statistics.ended, self._statistics.fell, terms)
        rows = yield from self.share.gather(self._row_state())
        self._saved = Snapshot.of(self._run_state(), rows)
        self._begin_rollout()
        yield record

    def _summed_up(self) -> dict[str, Array]:
        """What of a full rollout is combined over all shards, (C, ...) each."""
        share, rollout = self.share, self.rollout
        unstable = np.zeros(len(share.mine))
        unstable[0] = self._unstable_here() - self._seen_unstable
        self._seen_unstable += int(unstable[0])
        fingerprint = np.full(len(share.mine), self._fingerprint())
        summed: dict[str, Array] = {
            "unstable": unstable,
            "fingerprint": fingerprint,
            **self._statistics.take(),
        }
        if self.algorithm.reward_discount is not None:
            done = rollout.terminated | rollout.truncated
            summed["reward"] = _moments(
                share.by_shard(self.scaler.returns(rollout.raw_rewards, done)[..., None])
            )
        if self.normalizer is not None:
            summed["obs"] = _moments(share.by_shard(rollout.obs))
        return summed

    def _fingerprint(self) -> np.uint64:
        """A number that two members share when, and nearly only when, they have learned the same."""
        if self.share.team.members == 1:
            return np.uint64(0)
        arrays = [array for name, array in self._run_state().items() if name not in ("seconds", "counters")]
        words = [np.add.reduce(array.ravel().view(np.uint32), dtype=np.uint64) for array in arrays]
        return np.uint64(sum(int(word) for word in words) % 2**64)

    def _unstable_here(self) -> int:
        """Rows of this member that were found unstable since its simulation was made."""
        return self.sim.unstable_count + self._collector.broken

    def _begin_rollout(self) -> None:
        self._progress = min(self.steps / self.recipe.total_steps, 1.0)
        self.rollout.clear()
        self._variation.begin_rollout(self.update)
        self.algorithm.begin_rollout(self.rollout, self.normalizer, self.update, self._progress)
        self._collector.begin_rollout(self.algorithm)

    def _record(self, episodes: dict[str, Any]) -> Progress:
        stats = self._stats
        return Progress(
            update=self.update,
            steps=self.steps,
            seconds=0.0,
            **episodes,
            policy_loss=stats.policy_loss,
            value_loss=stats.value_loss,
            entropy=stats.entropy,
            kl=stats.kl,
            clip_fraction=stats.clip_fraction,
            explained_variance=stats.explained_variance,
            learning_rate=stats.learning_rate,
            grad_norm=stats.grad_norm,
            action_std=stats.action_std,
            epochs_run=stats.epochs_run,
            unstable_rows=self.unstable,
            skipped_minibatches=self.skipped,
            seconds_by_part={},
            physics_steps_per_s=0.0,
            steps_per_s=0.0,
            level=self._variation.level,
        )

    def _timed(self, record: Progress) -> Progress:
        """Add the times, now that the update's own time is known; the speeds are those of the whole run."""
        parts = self._clock.take()
        samples = self.rollout.n_steps * self.recipe.n_envs
        fields = {**record.__dict__, "seconds": self.seconds, "seconds_by_part": parts}
        fields["physics_steps_per_s"] = samples * self.task.frame_skip / max(parts["physics"], 1e-9)
        fields["steps_per_s"] = samples / max(sum(parts.values()), 1e-9)
        return Progress(**fields)

    def policy(self, evaluation: dict[str, Any] | None = None, *, learning: bool = False) -> Policy:
        """The present policy, as a copy; with `learning` a run can go on from it as from this one."""
        actor = self.algorithm.actor()
        moments = None if self.normalizer is None else self.normalizer.moments
        return Policy(
            task=self.task.id,
            model=self.task.model,
            layout_version=self.task.layout_version,
            sizes=actor.sizes,
            activation=actor.activation,
            action_low=self.task.action_low,
            action_high=self.task.action_high,
            params=actor.params,
            obs_mean=None if moments is None else moments.mean.copy(),
            obs_var=None if moments is None else moments.var.copy(),
            obs_count=0.0 if moments is None else moments.count,
            squash=actor.squash,
            layer_norm=actor.layer_norm,
            learning=(self._learning() or None) if learning else None,
            steps=self.steps,
            recipe=self.recipe.to_json(),
            evaluation=evaluation,
        )

    def _learning(self) -> dict[str, Float]:
        """Copies of what a run that begins with this policy can take over."""
        if self.recipe.algorithm not in HEIRS:
            return {}
        state = {**self.algorithm.state(), RETURNS: self.scaler.moments.flat()}
        return {name: np.array(array) for name, array in state.items()}

    def start_from(self, policy: Policy) -> None:
        """Take the weights and the normaliser of a policy, and what its file keeps of its learning.

        The latter only where the run learns by the same algorithm and the same symmetry: what else is learned
        begins anew.

        Raises:
            PolicyFileError: the policy does not fit the task or the recipe's network, or contradicts itself.
        """
        check_fits(policy, self.task, same_task=False)
        actor, normalised = self.algorithm.actor(), policy.normalizer is not None
        theirs = (policy.sizes[1:-1], policy.activation, policy.layer_norm, normalised, policy.squash)
        network = self.recipe.network
        mine = (network.hidden, network.activation, network.layer_norm, network.normalize_obs, actor.squash)
        if theirs != mine:
            raise PolicyFileError(
                "hidden layers, activation, layer norm, normalisation and squashing of the policy are "
                f"{theirs}, those of the recipe {mine}; set the recipe's network to the policy's"
            )
        self.algorithm.load_actor(policy.params)
        taken = inherited(policy, self.recipe, self._learning())
        if taken:
            self.scaler.moments.load_flat(taken.pop(RETURNS))
            self.algorithm.load_state(taken)
        if self.normalizer is not None and policy.normalizer is not None:
            self.normalizer.moments.load_state(policy.normalizer.moments.state())
            self.normalizer.refresh()
        self._saved = Snapshot.of(self._run_state())
        self._begin_rollout()

    def _run_state(self) -> dict[str, Float]:
        """What a checkpoint keeps beside the rows; the same on every member, but for the seconds."""
        counters = [self.steps, self.update, self.skipped, self.unstable, self._statistics.episodes]
        arrays: dict[str, Float] = {
            "counters": np.array(counters, np.float64),
            "seconds": np.array(self.seconds),
            **prefixed("reward.", self.scaler.moments.state()),
            **prefixed("algorithm.", self.algorithm.state()),
            **prefixed("variation.", self._variation.run_state()),
        }
        if self.normalizer is not None:
            arrays |= prefixed("normalizer.", self.normalizer.moments.state())
        return arrays

    def _row_state(self) -> dict[str, Float]:
        """What a checkpoint keeps of this member's rows, (N, ...) each."""
        sim = self.sim
        return {
            "states": sim.states(),
            "obs": sim.obs,
            "signals": sim.signals,
            "next_init": sim.next_init,
            "running_return": self.scaler.running,
            **prefixed("episode.", self._statistics.row_state()),
            **prefixed("variation.", self._variation.row_state()),
        }

    def checkpoint(self) -> bytes:
        """The run as it was at the start of the present rollout; resume goes on from there, bit for bit."""
        return write_checkpoint(self._saved, self.recipe, self.algorithm.memory())

    @classmethod
    def resume(cls, checkpoint: bytes, task: TaskSpec, sim: BatchSim, team: Team | None = None) -> "Training":
        """Go on from a checkpoint, whatever team made it; see the constructor for arguments and errors.

        Raises:
            PolicyFileError: the file is not a checkpoint of this task, or is damaged.
        """
        snapshot, metadata = read_checkpoint(checkpoint)
        training = cls(Recipe.from_json(parse(metadata, "recipe", dict)), task, sim, team)
        try:
            training._restore(snapshot)
        except (KeyError, ValueError, TypeError) as error:
            raise PolicyFileError(
                f"the checkpoint contradicts itself: {error}. Start the run anew."
            ) from error
        return training

    def _restore(self, snapshot: Snapshot) -> None:
        steps, update, skipped, unstable, episodes = (int(x) for x in snapshot.run["counters"])
        self.steps, self.update, self.skipped, self.unstable = steps, update, skipped, unstable
        self._statistics.episodes = episodes
        self._clock.go_on_from(float(snapshot.run["seconds"]))
        self.scaler.moments.load_state(snapshot.part("reward."))
        if self.normalizer is not None:
            self.normalizer.moments.load_state(snapshot.part("normalizer."))
            self.normalizer.refresh()
        self.algorithm.load_state(snapshot.part("algorithm."))
        if update > 0:
            self._restore_rows(snapshot)
        self._saved = Snapshot.of(self._run_state(), snapshot.rows)
        self._begin_rollout()

    def _restore_rows(self, snapshot: Snapshot) -> None:
        sim, rows = self.sim, self.share.rows
        for name, array in snapshot.rows.items():
            if len(array) != self.recipe.n_envs:
                raise ValueError(f"{name} has {len(array)} rows of {self.recipe.n_envs}")
        mine = snapshot.part_of_rows("", rows)
        sim.load_states(mine["states"].astype(np.float64, copy=False))
        sim.obs[...], sim.signals[...], sim.next_init[...] = mine["obs"], mine["signals"], mine["next_init"]
        self.scaler.running[...] = mine["running_return"]
        self._statistics.load_state(snapshot.part_of_rows("episode.", rows))
        self._variation.load_state(snapshot.part_of_rows("variation.", rows), snapshot.part("variation."))


def _moments(samples: Float) -> Array:
    """(C, 2, D) mean and population variance of (C, M, D) samples of each shard, in float64."""
    found = np.empty((len(samples), 2, samples.shape[2]))
    for at, shard in enumerate(samples):
        wide = shard.astype(np.float64)
        mean = wide.mean(axis=0)
        wide -= mean
        np.square(wide, out=wide)
        found[at] = mean, wide.mean(axis=0)
    return found


__all__ = ["Training", "read_checkpoint"]
