// Written by `python -m tabrl_py.typescript` from tabrl_py/protocol.py and loop_messages.py; change it there.

export type Part = "physics" | "policy" | "reward" | "learning" | "waiting";

export type RunState = "running" | "paused" | "finished" | "stopped";

export type LoopStage = "judging" | "asking" | "checking" | "training" | "evaluating" | "final" | "done";

export type LoopRunState = "running" | "paused" | "stopped" | "done" | "failed";

export type MemberStatus = "proposed" | "checking" | "invalid" | "queued" | "training" | "evaluating" | "evaluated" | "failed";

export type CommandKind = "check" | "train" | "evaluate";

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

/** One member of one generation. */
export interface LoopMember {
  /** Of all generations: "g2.1" is the second of generation 2, "f3.0" the winner's first final training. */
  id: string;
  /** From 1; the winner's final trainings have the number after the last. */
  generation: number;
  /** In its generation, from 0. */
  index: number;
  name: string;
  rationale: string;
  /** Source of its reward code; "" for the task's own reward. */
  reward: string;
  /** What differs from the task's recipe, by dotted name. */
  hyperparameters: Record<string, number | number | string>;
  parents: string[];
  /** Whether training begins with a parent's weights. */
  from_policy: boolean;
  by_person: boolean;
  /** Whether the next generation has it again, as it is. */
  pinned: boolean;
  /** The person's: 1, -1 or 0. */
  thumb: number;
  status: MemberStatus;
  steps: number;
  total_steps: number;
  fitness: number | null;
  /** Spread of the fitness over the evaluation seeds. */
  fitness_std: number | null;
  metrics: Record<string, number>;
  /** Each term's mean per control step, over about 10 equal stretches of training, oldest first. */
  terms: Record<string, (number | null)[]>;
  /** What is wrong with its code, or with the last edit of it. */
  problems: CodeProblem[];
  error: string;
  /** sha256 of its policy file, once it is trained. */
  policy: string | null;
}

/** Who designs. */
export interface LoopDesigner {
  kind: "builtin" | "claude";
  /** The built-in one is always titled "built-in, no language model". */
  title: string;
  model: string;
}

/** What the designer said before a generation, or a person's comment before the next one. */
export interface LoopText {
  generation: number;
  text: string;
}

/** What was spent so far; a cap is null where there is none. */
export interface LoopCost {
  requests: number;
  /** All that count against the cap, what was lost with unanswered requests included. */
  tokens: number;
  /** Read by the model, those from its cache included. */
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  usd: number;
  /** Control steps of training. */
  steps: number;
  /** Of asking, training and measuring, one after the other. */
  seconds: number;
  max_tokens: number | null;
  max_usd: number | null;
  max_steps: number | null;
  max_seconds: number | null;
}

/** What members are ranked by. */
export interface LoopFitness {
  /** Of a shipped fitness; "" where it was written for this loop. */
  name: string;
  source: string;
  rationale: string;
  /**
   * Not frozen: the designer's proposal, which waits for FreezeFitness. Frozen, too, while what the person
   * took is being checked.
   */
  frozen: boolean;
  problems: CodeProblem[];
}

/** The fittest member, and what came of training it again from fresh seeds. */
export interface LoopWinner {
  member: string;
  /** Id of the member whose policy it is: itself, or the fittest of its final trainings. */
  trained: string;
  /** sha256 of that policy, which is the one to export. */
  policy: string;
  /** Of that policy. */
  fitness: number;
  /** Of the final trainings. */
  seeds: number[];
  fitnesses: number[];
  /** Over the final trainings; null without any. */
  fitness_mean: number | null;
  fitness_std: number | null;
}

/** All that the page shows of a loop. */
export interface LoopView {
  /** judging: the fitness is proposed, and waits to be frozen. */
  stage: LoopStage;
  state: LoopRunState;
  /** Whether nothing more will happen by itself; BranchFrom can still go on. */
  over: boolean;
  generation: number;
  generations: number;
  /** Members of the generation in work; final trainings left out. */
  size: number;
  designer: LoopDesigner;
  text: string;
  task: string;
  fitness: LoopFitness;
  members: LoopMember[];
  /** Ids of evaluated members, the fittest first. */
  leaderboard: string[];
  analyses: LoopText[];
  comments: LoopText[];
  cost: LoopCost;
  winner: LoopWinner | null;
  /** Why the loop ended, pauses or failed; "" while it runs. */
  reason: string;
  ledger_lines: number;
  /** Of everything that was decided and measured; the same whenever the loop is repeated. */
  ledger_hash: string;
}

/** A language model that can be asked. */
export interface DesignModel {
  id: string;
  title: string;
  usd_per_million_input: number;
  usd_per_million_output: number;
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
  /** Whether the policy files hold what another run needs to go on learning from them. */
  learning?: boolean;
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
  /** Which show of a player the row belongs to. */
  show?: number;
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

/**
 * Show a policy acting without learning; row k's first episode has evaluation seed `seed + k`.
 *
 * A player without Python has any number of shows beside each other and tells them apart by `show`; one in
 * Python has one. The rows of a show may lie in several workers: this one takes `n_envs` of them, from
 * `first_row` on.
 */
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
  show?: number;
  first_row?: number;
  /** Whether it moves at once, or waits for Resume. */
  running?: boolean;
  /** Robots of all shows that stand in one physics world and can touch; 0: each has a world of its own. */
  together?: number;
  /** Number in that world of the show's first robot. */
  place?: number;
  /**
   * Nobody reads its returns or repeats its episodes: a player without Python leaves the reward out, which
   * may be code, and draws normal first velocities in its own way. One in Python needs no such leave.
   */
  only_seen?: boolean;
}

/** End one show of a player without Python; the others go on. */
export interface StopPlaying {
  type: "stop_playing";
  show: number;
}

/** Let other weights act in a show of a player without Python; its robots stay where they are. */
export interface SwapPolicy {
  type: "swap_policy";
  show: number;
  policy: ArrayBuffer;
}

/** What the world is like for every robot of a player without Python, from the next step on. */
export interface Disturb {
  type: "disturb";
  /** Rise over run along the world's x; gravity is tilted by it. */
  slope?: number;
  /** Times the plain model's. */
  friction?: number;
  /** Times the plain model's. */
  gravity?: number;
  /** The actuator that gives no force; -1: all work. */
  motor?: number;
}

/** Throw a ball at a robot that stands in one world with others. */
export interface Throw {
  type: "throw";
  row: number;
  body: number;
  show?: number;
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

/** Look into one robot: a Detail comes with each of the player's frames. */
export interface Inspect {
  type: "inspect";
  /** -1: no longer. */
  row: number;
  show?: number;
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

/** Write a policy in another program's format, for an evaluator. */
export interface WritePolicy {
  type: "write_policy";
  id: number;
  policy: ArrayBuffer;
  format: "onnx" | "json";
  /** Of the task's robot, as NAME.scene.json has them; empty where they are not known. */
  actuators: (Record<string, any>)[];
  /** The task of somebody's own robot, which no package has; None for the others. */
  task?: Record<string, any> | null;
}

/** Read a policy of another program, for an evaluator. */
export interface ReadPolicy {
  type: "read_policy";
  id: number;
  file: ArrayBuffer;
  /** What VecNormalize saved beside it. */
  normalizer: ArrayBuffer | null;
  /** Id of the task to prefer where the policy fits several; "" for none. */
  task: string;
}

/** Propose a task for a robot, for an evaluator. */
export interface ProposeTask {
  type: "propose_task";
  id: number;
  /** What its compiled model has: web/workers/robot/description.js. */
  description: Record<string, any>;
  /** What the person wants otherwise: tabrl_py/tasks/own_robot.py, Choices. */
  choices: Record<string, any>;
  /** The text of its model. */
  model_xml: string;
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
  /** Player only: which of its shows; so in Frame and EpisodeEnded. */
  show: number;
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
  show: number;
  /** (B, 3) m: balls that were thrown in a world that robots share. */
  balls: number[];
}

/** What goes on inside the inspected robot, at the state that it is in. */
export interface Detail {
  type: "detail";
  row: number;
  /**
   * 6 for each contact: point (m) and force on the robot (N), in the world's frame; between two of its own
   * bodies, the force on the second.
   */
  contacts: number[];
  /** (3,) m, the centre of mass. */
  com: number[];
  /** In the model's order: rad, or m where it slides; 0 for free and ball joints. */
  joints: number[];
  actuator_force: number[];
  /** Within the task's bounds. */
  action: number[];
  /** What rewards of the task read, in the task's order. */
  signals: number[];
  /** The reward of the robot's last step by its weighted terms; empty before it has made one. */
  terms: Record<string, number>;
  show: number;
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
  /** Whether a push, a disturbance or somebody's command touched the episode. */
  disturbed: boolean;
  show: number;
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

/** Answer to WritePolicy. */
export interface PolicyWritten {
  type: "policy_written";
  id: number;
  file: ArrayBuffer;
}

/** Answer to ReadPolicy: the policy as a file of TabRL. */
export interface PolicyRead {
  type: "policy_read";
  id: number;
  policy: ArrayBuffer;
}

/** Answer to ProposeTask. */
export interface TaskProposed {
  type: "task_proposed";
  id: number;
  /** A record like those of tasks.json; `own` has what it was made of, and its reward as a program. */
  task: Record<string, any>;
  notes: string[];
  /** Those that suit the robot, and their words; the proposed one first. */
  rewards: Record<string, string>;
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
  /** The show of a player without Python that could not start; -1: it was something else. */
  show: number;
}

/** Begin a loop, or go on with one from its ledger. */
export interface StartLoop {
  type: "start_loop";
  /** Fields of tabrl_py/meta/brief.py: Brief. */
  brief: Record<string, any>;
  /** Lines as LedgerLine brought them, all of them and in order. */
  ledger?: string[];
  /** Where the Messages API is answered: the page's relay, or the API itself. Not for the built-in one. */
  base_url?: string;
  /** A key of the person's own, kept in this worker's memory alone; null through a relay that has one. */
  key?: string | null;
}

/** Ask for the models; the first answer of a designer worker loads the SDK. */
export interface ListModels {
  type: "list_models";
  id: number;
  base_url: string;
  key?: string | null;
}

/** How far a command is: for the view alone. */
export interface CommandProgress {
  type: "command_progress";
  id: string;
  status: "queued" | "training" | "evaluating";
  steps?: number;
  /** All Progress records of a training so far, or [] where nothing is new. */
  records?: (Record<string, any>)[];
}

/**
 * A command's result.
 *
 * The page keeps the result until a ledger line has the command's id: lines are written in the order of
 * commands, so a result that comes early waits for those before it.
 */
export interface CommandDone {
  type: "command_done";
  id: string;
  /**
   * check: {problems: CodeProblem[], total, terms} of a CodeTried.
   * train: {policy: sha256 of the file, steps, records: Progress[]}.
   * evaluate: {fitness, per_seed, metrics, lengths, falls} of a Fitness, and with images
   * {image: PNG or JPEG as base64, image_type}, a contact sheet.
   */
  result: Record<string, any>;
  seconds?: number;
}

/** A command cannot be carried out: a train or evaluate command fails its member, no other. */
export interface CommandFailed {
  type: "command_failed";
  id: string;
  error: string;
}

/** A line of the ledger is on the disk. A request that costs money waits for that of its reservation. */
export interface LineKept {
  type: "line_kept";
  index: number;
}

/** The person accepts the fitness, as proposed or edited; generation 1 begins. */
export interface FreezeFitness {
  type: "freeze_fitness";
  source: string;
}

/** A comment that the designer reads with the next results; about one member, or "" for all. */
export interface Say {
  type: "say";
  text?: string;
  member?: string;
  /** 1, -1, or 0 to take it back; null leaves it. */
  thumb?: number | null;
}

/**
 * The person's reward in place of a member's: the next generation has it at the same index.
 *
 * Code that is not sound is told in the member's `problems` and changes nothing.
 */
export interface EditMember {
  type: "edit_member";
  member: string;
  reward: string;
  /** null: the member's. */
  hyperparameters?: Record<string, number | number | string> | null;
  /** false: nothing is kept for the next generation. */
  pinned?: boolean;
}

/** Design the next generation from this member alone; a loop that is over goes on. */
export interface BranchFrom {
  type: "branch_from";
  member: string;
}

/** Write a loop's provenance into one of its policy files. */
export interface ExportPolicy {
  type: "export_policy";
  id: number;
  member: string;
  policy: ArrayBuffer;
}

/** Something that the page is to do, and to answer with CommandDone or CommandFailed. */
export interface LoopCommand {
  type: "loop_command";
  id: string;
  kind: CommandKind;
  member: string;
  /**
   * check: {task: id, source, function} as in TryCode.
   * train: {recipe, policy: sha256 to begin with, or null}.
   * evaluate: {policy: sha256, task: id, fitness, seeds, image: whether a contact sheet is wanted}.
   */
  spec: Record<string, any>;
}

/** A line of the ledger. The page stores it before anything else, and answers with LineKept. */
export interface LedgerLine {
  type: "ledger_line";
  index: number;
  line: string;
}

/** The view, whenever it changed. */
export interface LoopState {
  type: "loop_state";
  view: LoopView;
}

/** A piece of what the designer is saying, as it says it; `start` begins a new answer. */
export interface AnalysisDelta {
  type: "analysis_delta";
  generation: number;
  text: string;
  start: boolean;
}

/** The SDK is being loaded, because Claude is asked for the first time. */
export interface DesignerLoading {
  type: "designer_loading";
  fraction: number;
  words: string;
}

/** Answer to ListModels; `default` is the newest Opus. */
export interface Models {
  type: "models";
  id: number;
  models: DesignModel[];
  default: string;
}

/** Answer to ExportPolicy: the same weights, with where they came from. */
export interface PolicyExported {
  type: "policy_exported";
  id: number;
  policy: ArrayBuffer;
  /** For the file. */
  name: string;
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
  | StopPlaying
  | SwapPolicy
  | Disturb
  | Throw
  | SetSpeed
  | SingleStep
  | ResetRows
  | Steer
  | Inspect
  | MeasureFitness
  | TryCode
  | WritePolicy
  | ReadPolicy
  | ProposeTask;

export type FromWorker =
  | Booting
  | Ready
  | Started
  | Frame
  | Detail
  | EpisodeEnded
  | Progressed
  | StateChanged
  | PolicyFile
  | CheckpointFile
  | Evaluated
  | Fitness
  | CodeTried
  | PolicyWritten
  | PolicyRead
  | TaskProposed
  | CodeRuns
  | Failed;

export type ToDesigner =
  | StartLoop
  | ListModels
  | CommandProgress
  | CommandDone
  | CommandFailed
  | LineKept
  | FreezeFitness
  | Say
  | EditMember
  | BranchFrom
  | ExportPolicy
  | Pause
  | Resume
  | Stop;

export type FromDesigner =
  | Booting
  | Ready
  | LoopCommand
  | LedgerLine
  | LoopState
  | AnalysisDelta
  | DesignerLoading
  | Models
  | PolicyExported
  | Failed;
