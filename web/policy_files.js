/** Policies as files: out of the page by a download, into it by choosing or dropping one. */

import { h } from "./panels/elements.js";
import { shortCount } from "./panels/format.js";

/** @import {App} from "./app.js" */

/**
 * The policy of the run.
 * @param {App} app
 */
export function exportTraining({ run }) {
  const { policy, task } = run;
  if (!policy || !task) return;
  download(policy.bytes, `${task.id}-${shortCount(policy.steps)}.safetensors`);
  run.exportedSteps = policy.steps;
}

/**
 * The policy of the show.
 * @param {App} app
 */
export async function exportShown({ play, run, notices }) {
  const { show } = play;
  if (!show) return;
  try {
    const bytes = await show.entry.load();
    if (!bytes) return;
    const name =
      show.entry.origin === "imported"
        ? show.entry.title
        : `${show.entry.task}-${shortCount(show.entry.facts?.steps ?? 0)}`;
    download(bytes, `${name}.safetensors`);
    if (show.entry.origin === "training" && show.entry.facts) run.exportedSteps = show.entry.facts.steps;
  } catch (error) {
    notices.report(error, { key: "play" });
  }
}

/**
 * Show what a file holds.
 * @param {App} app
 * @param {FileList|File[]} files the first one counts
 */
export async function importFiles(app, files) {
  const [file] = files;
  if (!file) return;
  try {
    const { entry, task } = await app.library.import(file);
    app.notices.close("import");
    app.notices.close("play");
    app.show(entry, task);
    app.enter("watch");
  } catch (error) {
    app.notices.report(error, { key: "import" });
  }
}

/**
 * Hand a file to the person.
 * @param {ArrayBuffer|string} content
 * @param {string} name
 */
export function download(content, name) {
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
