"""A run: environments, algorithm, normalisers and records, advanced in small pieces."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tabrl_py.algos.algorithm import Algorithm, UpdateStats, normalized
from tabrl_py.algos.episodes import EpisodeStatistics
from tabrl_py.algos.ppo import PPO
from tabrl_py.algos.reinforce import Reinforce
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import PPOConfig, Recipe
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.normalize import ObsNormalizer, RewardScaler
from tabrl_py.policy import safetensors
from tabrl_py.policy.file import ActionBounds, Policy, check_fits, check_format, dump, parse
from tabrl_py.protocol import Progress
from tabrl_py.rewards.library import compute_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, Float

CHECKPOINT_FORMAT = "tabrl-checkpoint"
CHECKPOINT_VERSION = 1
PARTS = ("physics", "policy", "reward", "learning")


class Training:
    """One run. advance() does one vector step or one piece of an update; the caller decides when.

    Attributes:
        recipe: what is run.
        steps: control steps taken, over all environments.
        update: updates finished.
        finished: whether the recipe's steps are done; advance() then does nothing.
    """

    def __init__(self, recipe: Recipe, task: TaskSpec, sim: BatchSim) -> None:
        """Begin at the first step.

        Raises:
            ConfigError: the recipe is for another task, or the simulation does not have its environments.
        """
        if recipe.task != task.id or sim.n_envs != recipe.n_envs:
            raise ConfigError(
                f"the recipe is {recipe.task} with {recipe.n_envs} environments; "
                f"the simulation is {task.id} with {sim.n_envs}"
            )
        self.recipe, self.task, self.sim = recipe, task, sim
        network = recipe.network
        self.nets = ActorCritic(task.obs_size, task.action_size, network.hidden, network.activation)
        self.nets.init(recipe.seed, network.init_log_std)
        self.normalizer = ObsNormalizer(task.obs_size) if network.normalize_obs else None
        algo = recipe.algo
        self.scaler = RewardScaler(recipe.n_envs, algo.gamma)
        self.algorithm: Algorithm
        if isinstance(algo, PPOConfig):
            self.algorithm = PPO(algo, self.nets, recipe.seed)
        else:
            self.algorithm = Reinforce(algo, self.nets, recipe.seed)
        self.rollout = Rollout(algo.n_steps, recipe.n_envs, task.obs_size, task.action_size)
        self.statistics = EpisodeStatistics(task, recipe.n_envs)
        self.bounds = ActionBounds(task.action_low, task.action_high)
        self.steps = self.update = self.skipped = self.unstable = 0
        self.seconds = 0.0
        self._episodes_started = np.zeros(recipe.n_envs)
        self._updating: Iterator[UpdateStats] | None = None
        self._seconds_by_part = dict.fromkeys(PARTS, 0.0)
        for row in range(recipe.n_envs):
            self._refill(row)
        sim.reset()
        for row in range(recipe.n_envs):
            self._refill(row)
        self._begin_rollout()

    @property
    def finished(self) -> bool:
        """Whether the recipe's steps are done."""
        return self._updating is None and self.rollout.steps == 0 and self.steps >= self.recipe.total_steps

    def advance(self) -> Progress | None:
        """Do one vector step or one piece of an update; a record when an update is complete."""
        if self.finished:
            return None
        began = time.perf_counter()
        record = None
        if self._updating is None:
            self._collect()
            if self.rollout.full:
                self._begin_update()
        else:
            stats = next(self._updating, None)
            if stats is None:
                record = self._complete_update()
            else:
                self._stats = stats
            self._seconds_by_part["learning"] += time.perf_counter() - began
        self.seconds += time.perf_counter() - began
        if record is not None:
            record = self._finish_record(record)
        return record

    def _begin_update(self) -> None:
        """Scale the rewards, keep what the policy sees next, and set the algorithm to work."""
        rollout = self.rollout
        began = time.perf_counter()
        rollout.last_obs[...] = self.sim.obs
        if self.recipe.algo.scale_reward:
            self.scaler.update(rollout.raw_rewards, rollout.terminated | rollout.truncated)
            np.multiply(rollout.raw_rewards, self.scaler.scale, out=rollout.rewards, casting="same_kind")
        else:
            rollout.rewards[...] = rollout.raw_rewards
        before = (self.steps - rollout.n_steps * rollout.n_envs) / self.recipe.total_steps
        self._updating = self.algorithm.update(rollout, self.normalizer, self.update, before)
        self._timed("learning", began)

    def _collect(self) -> None:
        """One control step of every environment."""
        sim, rollout = self.sim, self.rollout
        t = rollout.steps
        at = time.perf_counter()
        rollout.obs[t] = sim.obs
        mean = self.nets.actor.forward(normalized(rollout.obs[t], self.normalizer))
        actions = rollout.actions[t]
        np.multiply(rollout.noise[t], self._std, out=actions)
        actions += mean
        task_actions = self.bounds.to_task(actions, np.empty_like(actions))
        at = self._timed("policy", at)
        sim.step(task_actions)
        at = self._timed("physics", at)
        reward, terms = compute_reward(sim, task_actions)
        finite = np.isfinite(reward)
        if not finite.all():
            self.unstable += int((~finite & ~sim.unstable).sum())
            reward = np.where(finite, reward, 0.0)
        done = sim.terminated | sim.truncated
        rollout.raw_rewards[t] = reward
        rollout.terminated[t] = sim.terminated
        rollout.truncated[t] = sim.truncated
        self.statistics.add(sim, reward, terms)
        if done.any():
            for row in np.flatnonzero(done):
                if sim.truncated[row]:
                    rollout.final_obs.append((t, int(row), sim.final_obs[row].astype(np.float32)))
                self._refill(int(row))
        rollout.steps = t + 1
        self.steps += self.recipe.n_envs
        self._timed("reward", at)

    def _timed(self, part: str, since: float) -> float:
        now = time.perf_counter()
        self._seconds_by_part[part] += now - since
        return now

    def _refill(self, row: int) -> None:
        """Put the row's next first state where the simulation will take it."""
        rng = stream(self.recipe.seed, Purpose.RESET, row, int(self._episodes_started[row]))
        self.sim.next_init[row] = sample_reset(self.task, self.sim.qpos0, self.sim.nv, rng)
        self._episodes_started[row] += 1

    def _begin_rollout(self) -> None:
        """Draw the rollout's noise and keep what a checkpoint needs: it holds this point of the loop."""
        rollout = self.rollout
        rollout.clear()
        shape = (rollout.n_steps, self.task.action_size)
        for row in range(rollout.n_envs):
            rng = stream(self.recipe.seed, Purpose.ACTION, row, self.update)
            rollout.noise[:, row] = rng.standard_normal(shape, np.float32)
        self._std: F32 = np.exp(self.nets.log_std).astype(np.float32)
        self._saved = self._snapshot()

    def _complete_update(self) -> Progress:
        """After the last piece of an update: statistics, record, next rollout."""
        if self.normalizer is not None:
            self.normalizer.update(self.rollout.obs.reshape(-1, self.task.obs_size))
        self._updating = None
        self.update += 1
        stats, episodes = self._stats, self.statistics
        self.skipped += stats.skipped
        record = Progress(
            update=self.update,
            steps=self.steps,
            episodes=episodes.episodes,
            seconds=self.seconds,
            **episodes.summary(),
            policy_loss=stats.policy_loss,
            value_loss=stats.value_loss,
            entropy=stats.entropy,
            kl=stats.kl,
            clip_fraction=stats.clip_fraction,
            explained_variance=stats.explained_variance,
            learning_rate=stats.learning_rate,
            grad_norm=stats.grad_norm,
            action_std=float(np.mean(np.exp(self.nets.log_std))),
            epochs_run=stats.epochs_run,
            unstable_rows=self.unstable + self.sim.unstable_count,
            skipped_minibatches=self.skipped,
            seconds_by_part={},
            physics_steps_per_s=0.0,
            steps_per_s=0.0,
        )
        self._begin_rollout()
        return record

    def _finish_record(self, record: Progress) -> Progress:
        """Add the times, now that the update's own time is known."""
        parts = {part: round(s, 6) for part, s in self._seconds_by_part.items()}
        samples = self.rollout.n_steps * self.rollout.n_envs
        self._seconds_by_part = dict.fromkeys(PARTS, 0.0)
        fields = {**record.__dict__, "seconds": self.seconds, "seconds_by_part": parts}
        fields["physics_steps_per_s"] = samples * self.task.frame_skip / max(parts["physics"], 1e-9)
        fields["steps_per_s"] = samples / max(sum(parts.values()), 1e-9)
        return Progress(**fields)

    def policy(self, evaluation: dict[str, Any] | None = None) -> Policy:
        """The present policy, as a copy."""
        moments = None if self.normalizer is None else self.normalizer.moments
        return Policy(
            task=self.task.id,
            model=self.task.model,
            layout_version=self.task.layout_version,
            sizes=self.nets.actor.sizes,
            activation=self.nets.actor.activation,
            action_low=self.task.action_low,
            action_high=self.task.action_high,
            params=self.nets.params[: self.nets.actor_size].copy(),
            obs_mean=None if moments is None else moments.mean.copy(),
            obs_var=None if moments is None else moments.var.copy(),
            obs_count=0.0 if moments is None else moments.count,
            steps=self.steps,
            recipe=self.recipe.to_json(),
            evaluation=evaluation,
        )

    def start_from(self, policy: Policy) -> None:
        """Take the weights and the normaliser of a policy; the critic begins anew.

        Raises:
            PolicyFileError: the policy does not fit the task or the recipe's network.
        """
        check_fits(policy, self.task, same_task=False)
        theirs = (policy.sizes[1:-1], policy.activation, policy.normalizer is not None)
        network = self.recipe.network
        mine = (network.hidden, network.activation, network.normalize_obs)
        if theirs != mine:
            raise PolicyFileError(
                f"the policy's hidden layers, activation and normalisation are {theirs}, "
                f"the recipe's are {mine}; set the recipe's network to the policy's"
            )
        self.nets.params[: self.nets.actor_size] = policy.params
        if self.normalizer is not None and policy.normalizer is not None:
            self.normalizer.moments.load_state(policy.normalizer.moments.state())
            self.normalizer.refresh()
        self._begin_rollout()

    def _snapshot(self) -> dict[str, Float]:
        sim = self.sim
        counters = [self.steps, self.update, self.skipped, self.unstable + sim.unstable_count, self.seconds]
        arrays: dict[str, Float] = {
            "states": sim.states(),
            "obs": sim.obs,
            "signals": sim.signals,
            "next_init": sim.next_init,
            "episodes_started": self._episodes_started,
            "running_returns": self.scaler.running,
            "counters": np.array(counters, np.float64),
            **{f"reward.{name}": value for name, value in self.scaler.moments.state().items()},
            **{f"algorithm.{name}": value for name, value in self.algorithm.state().items()},
            **{f"episodes.{name}": value for name, value in self.statistics.state().items()},
        }
        if self.normalizer is not None:
            arrays |= {f"normalizer.{name}": value for name, value in self.normalizer.moments.state().items()}
        return {name: np.array(value) for name, value in arrays.items()}

    def checkpoint(self) -> bytes:
        """The run as it was at the start of the present rollout; resume goes on from there, bit for bit."""
        metadata = {
            "format": CHECKPOINT_FORMAT,
            "format_version": str(CHECKPOINT_VERSION),
            "task": self.task.id,
            "recipe": dump(self.recipe.to_json()),
            "steps": str(int(self._saved["counters"][0])),
        }
        return safetensors.write(self._saved, metadata)

    @classmethod
    def resume(cls, checkpoint: bytes, task: TaskSpec, sim: BatchSim) -> "Training":
        """Go on from a checkpoint.

        Raises:
            PolicyFileError: the file is not a checkpoint of this task, or is damaged.
        """
        arrays, metadata = read_checkpoint(checkpoint)
        training = cls(Recipe.from_json(parse(metadata, "recipe", dict)), task, sim)
        try:
            training._restore(arrays)
        except (KeyError, ValueError, TypeError) as error:
            raise PolicyFileError(
                f"the checkpoint contradicts itself: {error}. Start the run anew."
            ) from error
        return training

    def _restore(self, arrays: dict[str, Float]) -> None:
        sim = self.sim
        sim.load_states(arrays["states"].astype(np.float64, copy=False))
        sim.obs[...], sim.signals[...], sim.next_init[...] = (
            arrays["obs"],
            arrays["signals"],
            arrays["next_init"],
        )
        self._episodes_started[...] = arrays["episodes_started"]
        self.scaler.running[...] = arrays["running_returns"]
        self.scaler.moments.load_state(_part(arrays, "reward."))
        if self.normalizer is not None:
            self.normalizer.moments.load_state(_part(arrays, "normalizer."))
            self.normalizer.refresh()
        steps, update, skipped, unstable, seconds = (float(x) for x in arrays["counters"])
        self.steps, self.update, self.skipped = int(steps), int(update), int(skipped)
        self.unstable, self.seconds = int(unstable) - sim.unstable_count, seconds
        self.algorithm.load_state(_part(arrays, "algorithm."))
        self.statistics.load_state(_part(arrays, "episodes."))
        self._begin_rollout()


def read_checkpoint(data: bytes) -> tuple[dict[str, Float], dict[str, str]]:
    """Arrays and metadata of a checkpoint.

    Raises:
        PolicyFileError: the file is not a checkpoint that this version reads.
    """
    arrays, metadata = safetensors.read(data)
    check_format(metadata, CHECKPOINT_FORMAT, CHECKPOINT_VERSION, "checkpoint")
    return arrays, metadata


def _part(arrays: dict[str, Float], prefix: str) -> dict[str, Float]:
    return {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
