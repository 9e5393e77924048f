/** What an evaluation found: mean and spread over its seeds, and each seed as a dot on one scale. */

import { h } from "./elements.js";
import { meanAndSpread, meanOf, measure, plural } from "./format.js";

/** @import {Evaluation} from "../protocol" */

/**
 * @param {string} label
 * @param {Evaluation} evaluation
 * @param {boolean} canFall whether the task has episodes that end early
 * @param {string} [success] what the task counts as done, after a count
 * @returns {HTMLElement}
 */
export function evaluationView(label, evaluation, canFall, success = "") {
  const { returns, seeds, terminated, distances } = evaluation;
  const succeeded = evaluation.succeeded ?? [];
  const low = Math.min(...returns);
  const high = Math.max(...returns);
  const fallen = terminated.filter(Boolean).length;
  const done = `${succeeded.filter(Boolean).length} of ${succeeded.length} ${success}`;
  const stood = succeeded.length
    ? done
    : canFall
      ? `${returns.length - fallen} of ${returns.length} reached the time limit`
      : plural(seeds.length, "seed");
  const far = distances.length ? `, ${measure(meanOf(distances))} m on average` : "";
  const dots = returns.map((value, k) =>
    h("i", {
      class: terminated[k] && canFall ? "fell" : "",
      style: `left:${high > low ? (100 * (value - low)) / (high - low) : 50}%`,
      title: `Seed ${seeds[k]}: ${measure(value)}`,
    }),
  );
  return h(
    "div",
    { class: "evaluation" },
    h(
      "div",
      { class: "evaluation-head" },
      h("span", { class: "label" }, label),
      h(
        "data",
        { class: "num", value: String(evaluation.return_mean) },
        meanAndSpread(evaluation.return_mean, evaluation.return_std),
      ),
    ),
    h(
      "div",
      {
        class: "evaluation-dots",
        role: "img",
        "aria-label": `Returns from ${measure(low)} to ${measure(high)}`,
      },
      ...dots,
    ),
    h("p", { class: "muted num" }, `${measure(low)} to ${measure(high)} · ${stood}${far}`),
  );
}
