/** Policies as files: out of the page by a download, into it by choosing or dropping one. */

import { PageError } from "./errors.js";
import { h } from "./panels/elements.js";
import { shortCount } from "./panels/format.js";
import { loadScene } from "./views/scene.js";

/** @import {App} from "./app.js" */
/** @import {TaskRecord} from "./page_types" */
/** @import {Format} from "./panels/export_choice.js" */

/** Beyond this no file is read: it would only fill the memory. */
const LARGEST_BYTES = 256 * 1024 * 1024;
const FOREIGN = /\.(onnx|zip)$/i;

/**
 * The policy of the run.
 * @param {App} app
 * @param {Format} format
 */
export async function exportTraining(app, format) {
  const { policy, task } = app.run;
  if (!policy || !task) return;
  try {
    const file = await written(app, policy.bytes, task, format);
    download(file, `${task.id}-${shortCount(policy.steps)}.${format}`);
    if (format === "safetensors") app.run.exportedSteps = policy.steps;
  } catch (error) {
    app.notices.report(error, { key: "export" });
  }
}

/**
 * The policy of the show.
 * @param {App} app
 * @param {Format} format
 */
export async function exportShown(app, format) {
  const { play, run, notices } = app;
  const { show } = play;
  if (!show) return;
  try {
    const bytes = await (show.entry.whole ?? show.entry.load)();
    if (!bytes) return;
    const name =
      show.entry.origin === "imported"
        ? show.entry.title
        : `${show.entry.task}-${shortCount(show.entry.facts?.steps ?? 0)}`;
    download(await written(app, bytes, show.task, format), `${name}.${format}`);
    if (format === "safetensors" && show.entry.origin === "training" && show.entry.facts)
      run.exportedSteps = show.entry.facts.steps;
  } catch (error) {
    notices.report(error, { key: "play" });
  }
}

/**
 * A policy in the format in which it leaves the page.
 * @param {App} app
 * @param {ArrayBuffer} bytes of its own file
 * @param {TaskRecord} task
 * @param {Format} format
 * @returns {Promise<ArrayBuffer>}
 */
export async function written(app, bytes, task, format) {
  if (format === "safetensors") return bytes;
  const close = app.notices.show({
    key: "export",
    kind: "info",
    title: `Writing .${format}`,
    what: "Python is loaded for it.",
  });
  try {
    const scene = await loadScene(new URL(`models/${task.model}.scene.json`, import.meta.url));
    return await app.ask.evaluator.writePolicy(bytes, format, scene.actuators, task.own ? task : null);
  } finally {
    close();
  }
}

/**
 * The policy file of TabRL that another program's file amounts to.
 * @param {App} app
 * @param {File} file
 * @param {File[]} others that came with it
 * @returns {Promise<File>}
 */
async function translated(app, file, others) {
  const statistics = others.find(({ name }) => /\.pkl$/i.test(name));
  for (const each of [file, ...(statistics ? [statistics] : [])]) {
    if (each.size <= LARGEST_BYTES) continue;
    const size = `${Math.round(each.size / 1e6)} MB`;
    throw new PageError(
      "This policy cannot be used",
      `${each.name} has ${size}; policies have at most 268 MB.`,
      "Choose the file that holds the policy alone.",
    );
  }
  const close = app.notices.show({
    key: "import",
    kind: "info",
    title: `Reading ${file.name}`,
    what: "Python is loaded for it.",
  });
  try {
    const [bytes, normalizer] = [await file.arrayBuffer(), (await statistics?.arrayBuffer()) ?? null];
    const wanted = app.play.show?.task.id ?? "";
    const policy = await app.ask.evaluator.readPolicy(bytes, normalizer, wanted);
    return new File([policy], file.name.replace(FOREIGN, ".safetensors"));
  } finally {
    close();
  }
}

/**
 * Show what a file holds.
 * @param {App} app
 * @param {FileList|File[]} files the first one counts, and a VecNormalize's beside a zip
 */
export async function importFiles(app, files) {
  const given = [...files];
  const robot = await app.robots.among(given);
  if (robot) {
    await app.robots.open(robot);
    return;
  }
  const foreign = given.find(({ name }) => FOREIGN.test(name));
  const file = foreign ?? given[0];
  if (!file) return;
  try {
    const own = foreign ? await translated(app, foreign, given) : file;
    const { entry, task } = await app.library.import(own);
    entry.judged = await app.ask.judgedIn(entry);
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
 * @param {ArrayBuffer|string|Blob} content
 * @param {string} name
 */
export function download(content, name) {
  const blob = content instanceof Blob ? content : new Blob([content], { type: "application/octet-stream" });
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
