/** Records the page reads from its own folder, and the shapes its parts hand to each other. */

import type { Evaluation, Progress } from "./protocol";
import type { Scene } from "./views/scene.js";

export type Room = "watch" | "train" | "ask";

/** One setting of settings.json, written by tabrl_py.config.describe_settings. */
export interface Setting {
  name: string;
  type: "int" | "float" | "bool" | "choice" | "int_list";
  default: number | boolean | string | number[];
  label: string;
  help: string;
  low: number | null;
  high: number | null;
  choices: string[];
  unit: string;
  group: "task" | "algorithm" | "details";
}

/** settings.json: "run", "network" and one list per algorithm. */
export type Settings = Record<string, Setting[]>;

export type SettingValue = number | boolean | string | number[];

/** One task of tasks.json: what the page reads of a TaskSpec; workers get the whole record. */
export interface TaskRecord {
  id: string;
  title: string;
  summary: string;
  group: string;
  model: string;
  frame_skip: number;
  time_limit: number;
  layout_version: number;
  obs_size: number;
  action_size: number;
  forward_axis: string;
  healthy: unknown[];
  /** The left-right mirror image, where it has one. */
  mirror?: object | null;
  /** What can differ from episode to episode. */
  randomization?: unknown[];
  /** What the robot is told to do, where it is told. */
  command?: CommandRecord | null;
  /** What an evaluation counts as done, and the words after the count. */
  success?: { words: string } | null;
  defaults: Record<string, Record<string, SettingValue>>;
  /** Of a robot that somebody brought: what its task was made of (tabrl_py/tasks/own_robot.py). */
  own?: OwnTask;
}

/** What a task of somebody's own robot was made of, so that every worker can make it again. */
export interface OwnTask {
  description: object;
  choices: RobotChoices;
  model_sha256: string;
  /** Its reward for workers/reward_program.js; null where Python alone has it. */
  program?: [name: string, ...args: unknown[]][] | null;
}

/** What a person may change of the task that is proposed for a robot; "" and 0 ask for what is proposed. */
export interface RobotChoices {
  title: string;
  reward: string;
  frame_skip: number;
  time_limit: number;
  fall_share: number | null;
}

/** A robot that somebody brought, as the browser keeps it. */
export interface OwnRobot {
  /** Its task's. */
  id: string;
  task: TaskRecord;
  /** Its model, as workers/model_text.js reads it. */
  text: string;
  scene: Scene;
  /** ms since 1970 */
  added: number;
}

/** What a task's robot can be told: each number has a name, a unit and bounds. */
export interface CommandRecord {
  names: string[];
  units: string[];
  low: number[];
  high: number[];
}

export interface Recipe {
  recipe_version?: number;
  task: string;
  algorithm: string;
  seed: number;
  total_steps: number;
  n_envs: number;
  kernels?: string;
  /** Source of the reward function; "" for the task's own. */
  reward?: string;
  network: Record<string, SettingValue>;
  algo: Record<string, SettingValue>;
}

/** What a policy file says of itself; every field may be missing in a foreign file. */
export interface PolicyFacts {
  task: string;
  layoutVersion: number | null;
  steps: number;
  hidden: number[];
  activation: string;
  obsSize: number | null;
  actionSize: number | null;
  parameters: number | null;
  recipe: Recipe | null;
  evaluation: Evaluation | null;
  designed: Designed | null;
  versions: Record<string, string>;
}

/** What a policy file says of the loop that designed its reward. */
export interface Designed {
  /** The task in the person's words. */
  text: string;
  /** A shipped fitness by name, or its code. */
  fitness: string;
  seeds: number[];
  /** The policy's fitness on these seeds, as the loop measured it. */
  value: number;
}

/** A policy the Watch room can show. `load` gives the file's bytes, or null for the random policy. */
export interface PolicyEntry {
  key: string;
  origin: "shipped" | "training" | "imported" | "linked" | "designed" | "random";
  title: string;
  task: string | null;
  facts: PolicyFacts | null;
  load: () => Promise<ArrayBuffer | null>;
  /** How it came about, in the words of the link that brought it. */
  made?: string;
  /** How the loop that designed its reward judged it. */
  judged?: Judged | null;
  /** Reads its file with where it came from, which takes longer than `load`. */
  whole?: () => Promise<ArrayBuffer>;
}

/** A fitness that was measured: which one, on which seeds, and what came of it. */
export interface Judged {
  /** A shipped fitness by name, or its code. */
  fitness: string;
  title: string;
  seeds: number[];
  value: number;
}

/** What survives a reload. */
export interface SavedRun {
  recipe: Recipe;
  state: "running" | "paused" | "stopped" | "finished";
  steps: number;
  savedAt: number;
  checkpoint: ArrayBuffer;
  policy: ArrayBuffer | null;
  policySteps: number;
  evaluation: Evaluation | null;
  records: Progress[];
}

/**
 * A worker's place among those that learn one policy. It travels with StartTraining as its field `team`, for
 * python_worker.js alone: Python gets the Exchange made of it.
 */
export interface TeamPlace {
  members: number;
  me: number;
  /** Where the page is cross-origin isolated. */
  buffer?: SharedArrayBuffer;
  /** Elsewhere, by member; null at the worker's own place. */
  ports?: (MessagePort | null)[];
}

/** The drawing of one model, as the build writes it and views/scene.js reads it. */
export interface SceneRecord {
  name: string;
  timestep: number;
  bodies: { name: string; parent: number; mass: number }[];
  joints: { name: string; type: string; body: number }[];
  rest: number[][];
  tracking_body: number;
}
