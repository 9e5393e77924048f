// Written by `python -m tabrl_py.typescript` from tabrl_py/protocol.py; change it there.

export type Part = "physics" | "policy" | "reward" | "learning" | "waiting";

export type RunState = "running" | "paused" | "finished" | "stopped";

/**
 * One record per update; what the charts draw. None means: nothing to measure yet.
 *
 * Returns are undiscounted sums of the task's own reward, unscaled, over episodes that ended since the
 * last record.
 */
export interface Progress {
  update: number;
  /** Control steps taken in all, over all environments. */
  steps: number;
  /** Episodes ended in all. */
  episodes: number;
  /** Training time so far, pauses left out. */
  seconds: number;
  return_mean: number | null;
  return_std: number | null;
  /** Control steps of the episodes that ended. */
  length_mean: number | null;
  /** Share of the ended episodes that terminated rather than reached the time limit. */
  fall_rate: number | null;
  /** Metres along the task's forward axis; None where the robot does not travel. */
  distance_mean: number | null;
  /** Mean of each weighted term of the reward per control step. */
  reward_terms: Record<string, number>;
  policy_loss: number;
  value_loss: number;
  entropy: number;
  kl: number;
  clip_fraction: number;
  explained_variance: number;
  learning_rate: number;
  grad_norm: number;
  action_std: number;
  /** Epochs before the KL stop. */
  epochs_run: number;
  /** Rows reset because the physics left the finite numbers, in all. */
  unstable_rows: number;
  /** Minibatches left out because a loss or gradient was not finite, in all. */
  skipped_minibatches: number;
  /** Time of this update spent in each Part. */
  seconds_by_part: Record<string, number>;
  /** Physics steps (mj_step) per second spent in physics, this update. */
  physics_steps_per_s: number;
  /** Control steps per second of whole training, this update. */
  steps_per_s: number;
  /** How hard the task's curriculum made it, 0 to 1; None where the task has none. */
  level: number | null;
}

/** What a deterministic policy does on fixed seeds, one episode each. */
export interface Evaluation {
  seeds: number[];
  returns: number[];
  lengths: number[];
  terminated: boolean[];
  /** Metres along the task's forward axis, empty where the robot does not travel. */
  distances: number[];
  return_mean: number;
  return_std: number;
  /** Whether each episode ended as the task's success asks for, empty where it has none. */
  succeeded: boolean[];
}

/** One thing that is wrong with reward or fitness code. */
export interface CodeProblem {
  /** From 1; 0 where it is about the whole. */
  line: number;
  /** From 0. */
  column: number;
  rule: string;
  message: string;
}

/** Begin a run from its recipe, or go on from a checkpoint, or from the weights of a policy. */
export interface StartTraining {
  type: "start_training";
  recipe: Record<string, any>;
  task: Record<string, any>;
  model_xml: string;
  visible: number;
  checkpoint?: ArrayBuffer | null;
  policy?: ArrayBuffer | null;
  checkpoint_every_updates?: number;
  /** Workers that learn this policy together. */
  members?: number;
  /** Which of them this one is; member 0 sends records, checkpoints, policies and the evaluation. */
  member?: number;
}

/** Stop after the present vector step, keeping everything. */
export interface Pause {
  type: "pause";
}

/** Go on after Pause. */
export interface Resume {
  type: "resume";
}

/** End the run; the worker answers with a last checkpoint and policy. */
export interface Stop {
  type: "stop";
}

/** Pull a body of one row with a force for some control steps. */
export interface Push {
  type: "push";
  row: number;
  body: number;
  force_n: number[];
  point_m: number[];
  steps?: number;
}

/** Ask for the present policy file. */
export interface RequestPolicy {
  type: "request_policy";
  id: number;
}

/** Ask for a checkpoint of the whole run. */
export interface RequestCheckpoint {
  type: "request_checkpoint";
  id: number;
}

/** Evaluate a policy deterministically: episode k starts from evaluation seed seeds[k]. */
export interface RequestEvaluation {
  type: "request_evaluation";
  id: number;
  /** None: the random policy (uniform actions), the baseline of the charts. */
  policy: ArrayBuffer | null;
  task: Record<string, any>;
  model_xml: string;
  seeds: number[];
  /** Reward code for random actions; a policy's returns are those of the reward it was trained with. */
  reward?: string;
}

/** Show a policy acting without learning; row k's first episode has evaluation seed `seed + k`. */
export interface StartPlaying {
  type: "start_playing";
  task: Record<string, any>;
  model_xml: string;
  /** None: the random policy. */
  policy: ArrayBuffer | null;
  n_envs: number;
  seed: number;
  deterministic?: boolean;
  speed?: number;
}

/** Simulated seconds per second. */
export interface SetSpeed {
  type: "set_speed";
  speed: number;
}

/** Advance a paused player by one control step. */
export interface SingleStep {
  type: "single_step";
}

/** Start every row of the player anew. */
export interface ResetRows {
  type: "reset_rows";
}

/** Give every row of the player a command; the task says what its numbers mean. */
export interface Steer {
  type: "steer";
  /** Empty: the task draws the commands again. */
  command: number[];
}

/** Measure a policy's fitness: episode k starts from evaluation seed seeds[k]. No reward is involved. */
export interface MeasureFitness {
  type: "measure_fitness";
  id: number;
  policy: ArrayBuffer;
  task: Record<string, any>;
  model_xml: string;
  /** A name of the shipped fitnesses, code with `def fitness(s):`, or "" for the task's own. */
  fitness: string;
  seeds: number[];
}

/** Check reward or fitness code, and try it on states of the robot where the check finds nothing. */
export interface TryCode {
  type: "try_code";
  id: number;
  task: Record<string, any>;
  /** "" where a check of the text is enough. */
  model_xml: string;
  source: string;
  function?: "reward" | "fitness";
}

/** What the worker is loading. */
export interface Booting {
  type: "booting";
  stage: "python" | "numpy" | "physics" | "package" | "model";
  fraction: number;
}

/** The worker can take a start message. */
export interface Ready {
  type: "ready";
  versions: Record<string, string>;
  boot_s: number;
}

/** A run or a show begins. */
export interface Started {
  type: "started";
  task_id: string;
  n_envs: number;
  /** Environments whose poses come in Frame, in that order. */
  rows: number[];
  /** Seconds per control step. */
  dt: number;
  obs_size: number;
  action_size: number;
  parameters: number;
  steps: number;
  /** What learns: the compiled kernels, or the slower NumPy reference. */
  arithmetic: "compiled" | "numpy";
}

/** Poses of the watched rows; the page draws the newest and drops the rest. */
export interface Frame {
  type: "frame";
  /** float32 (K, nbody, 7): position (m), quaternion (w, x, y, z). */
  poses: ArrayBuffer;
  /** float32 (K, nu): actuator_force. */
  torques: ArrayBuffer;
  /** Return of the running episode of each watched row. */
  returns: number[];
  /** Control steps of the running episode of each watched row. */
  steps: number[];
  /** Simulated seconds since the start, of one environment. */
  sim_s: number;
  /** Player only: simulated seconds per second, as measured. */
  real_time_factor: number | null;
  /** Player only: the command of each watched row, one after the other; empty where the task takes none. */
  commands: number[];
}

/** Player only: a row finished an episode. */
export interface EpisodeEnded {
  type: "episode_ended";
  row: number;
  /**
   * The evaluation seed, for the first episode of a row; later episodes are drawn from a stream of their
   * own.
   */
  seed: number | null;
  episode_return: number;
  steps: number;
  terminated: boolean;
  distance: number | null;
  /** Whether a push or somebody's command touched the episode. */
  disturbed: boolean;
}

/** A progress record of the run. */
export interface Progressed {
  type: "progressed";
  progress: Progress;
}

/** The run's or the show's state after a command, or at its end. */
export interface StateChanged {
  type: "state_changed";
  state: RunState;
}

/** A policy file; id 0 when the worker sends it by itself. */
export interface PolicyFile {
  type: "policy_file";
  id: number;
  policy: ArrayBuffer;
  steps: number;
}

/** A checkpoint; id 0 when the worker sends it by itself. */
export interface CheckpointFile {
  type: "checkpoint_file";
  id: number;
  checkpoint: ArrayBuffer;
  steps: number;
}

/** Answer to RequestEvaluation. */
export interface Evaluated {
  type: "evaluated";
  id: number;
  evaluation: Evaluation;
}

/** Answer to MeasureFitness. */
export interface Fitness {
  type: "fitness";
  id: number;
  /** Mean of per_seed. */
  fitness: number;
  /** Sum of an episode's scores over the task's time limit. */
  per_seed: number[];
  /** Mean per control step, over all episodes. */
  metrics: Record<string, number>;
  lengths: number[];
  falls: boolean[];
}

/** Answer to TryCode. */
export interface CodeTried {
  type: "code_tried";
  id: number;
  /** Empty where the code can be used. */
  problems: CodeProblem[];
  /** Time of one call with 4096 environments; 0 where it was not called. */
  ms_per_4096: number;
  /** Mean, lowest and highest over the recorded steps; empty where it was not called. */
  total: number[];
  /** The same of each term. */
  terms: Record<string, number[]>;
}

/**
 * The worker is about to run code that the page does not trust, or has come back from it.
 *
 * The page ends a worker that does not come back.
 */
export interface CodeRuns {
  type: "code_runs";
  running: boolean;
  /** reward or fitness. */
  function: string;
}

/** Something went wrong. `id` is that of the request it answers, else 0. */
export interface Failed {
  type: "failed";
  name: string;
  message: string;
  traceback: string;
  hint: string;
  /** Whether the worker can do nothing more and must be replaced. */
  fatal: boolean;
  id: number;
}

export type ToWorker =
  | StartTraining
  | Pause
  | Resume
  | Stop
  | Push
  | RequestPolicy
  | RequestCheckpoint
  | RequestEvaluation
  | StartPlaying
  | SetSpeed
  | SingleStep
  | ResetRows
  | Steer
  | MeasureFitness
  | TryCode;

export type FromWorker =
  | Booting
  | Ready
  | Started
  | Frame
  | EpisodeEnded
  | Progressed
  | StateChanged
  | PolicyFile
  | CheckpointFile
  | Evaluated
  | Fitness
  | CodeTried
  | CodeRuns
  | Failed;
