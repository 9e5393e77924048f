/** The page begins: what it needs is checked and loaded, then keys, tabs and dropped files are connected. */

import { App, CROWD, ROOMS } from "./app.js";
import { suitCrowd } from "./crowd_pace.js";
import { embedded, restOutOfSight } from "./embed.js";
import { Notices } from "./errors.js";
import { offerLastRun } from "./last_run.js";
import { keepOffline } from "./offline.js";
import { byId } from "./panels/elements.js";
import { fillKeyList, listenToHeldKeys, listenToKeys, shortcuts } from "./panels/keyboard.js";
import { PLAIN_WORLD } from "./play_control.js";
import { importFiles } from "./policy_files.js";
import { RANDOM } from "./policy_library.js";
import { loadCatalogue, missingAbility } from "./requirements.js";
import { RunStorage } from "./storage.js";

/** @import {TaskRecord} from "./page_types" */

/**
 * Tabs, phone sections, keys, dropped files.
 * @param {App} app
 */
function listen(app) {
  for (const room of ROOMS) byId(`tab-${room}`).addEventListener("click", () => app.enter(room));
  byId("tab-watch").parentElement?.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const step = event.key === "ArrowRight" ? 1 : ROOMS.length - 1;
    app.enter(ROOMS[(ROOMS.indexOf(app.room) + step) % ROOMS.length] ?? "watch");
    byId(`tab-${app.room}`).focus();
  });
  const sections = [...byId("sections").querySelectorAll("button")];
  for (const tab of sections) {
    tab.addEventListener("click", () => {
      document.body.dataset.section = tab.dataset.section;
      for (const each of sections) {
        each.setAttribute("aria-selected", String(each === tab));
        each.tabIndex = each === tab ? 0 : -1;
      }
      app.curves.charts?.resize();
    });
  }
  byId("sections").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = sections.find((each) => each !== document.activeElement);
    other?.click();
    other?.focus();
  });
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys-dialog"));
  const table = shortcuts({
    ...app.actions,
    race: () => app.room === "watch" && app.watchPanel.race.start(),
    together: () => app.room === "watch" && app.watchPanel.together.toggle(),
    throwBall: () => app.room === "watch" && app.watchPanel.together.throwBall(),
    plain: () => app.room === "watch" && app.play.disturb(PLAIN_WORLD),
    watch: () => app.enter("watch"),
    ask: () => app.enter("ask"),
    figures: () =>
      app.stage.view.close === null && app.stage.setMode(app.stage.spatial ? "figures" : "crowd"),
    inside: () => app.inside.set(!app.inside.open),
    list: () => dialog.showModal(),
  });
  fillKeyList(dialog, table);
  listenToKeys(table, dialog);
  listenToHeldKeys(app.steering, dialog);
  byId("show-keys").addEventListener("click", () => dialog.showModal());
  listenToDrops(app);
}

/** @param {App} app */
function listenToDrops(app) {
  const hint = byId("drop-hint");
  const holdsFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    hint.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    hint.hidden = true;
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    importFiles(app, event.dataTransfer.files);
  });
}

/** @param {Notices} notices */
async function openStorage(notices) {
  try {
    return await RunStorage.open();
  } catch (error) {
    notices.report(error, { key: "storage", kind: "info" });
    return null;
  }
}

/** The training worker is loaded so long after the first robots move. */
const TRAINER_WAITS_MS = 200;

/** The room that was asked for before the page could open it. @type {typeof ROOMS[number]} */
let wished = "watch";
const tooEarly = new AbortController();
for (const room of ROOMS) {
  const wish = () => {
    wished = room;
  };
  byId(`tab-${room}`).addEventListener("click", wish, { signal: tooEarly.signal });
}

/** What this browser keeps: an interrupted loop, robots of one's own, the last run. @param {App} app */
async function rememberWork(app) {
  app.ask.offerLastLoop();
  await app.robots.restore();
  await offerLastRun(app);
}

/** Begin. What is missing is said once, and what can work does. */
async function begin() {
  const notices = new Notices(byId("notices"));
  notices.listen();
  const [catalogue, storage] = await Promise.all([loadCatalogue(), openStorage(notices)]).catch((error) => {
    notices.report(error, { key: "catalogue", actions: [{ label: "Reload", run: () => location.reload() }] });
    return [null, null];
  });
  if (!catalogue) return;
  const app = new App(notices, catalogue, storage);
  listen(app);
  tooEarly.abort();
  app.enter(wished);
  const lack = missingAbility();
  if (lack) {
    notices.report(lack, { key: "ability" });
    app.stage.setRobots(app.views.watch, /** @type {TaskRecord} */ (catalogue.tasks[0]).model, CROWD, 0.02);
    return;
  }
  keepOffline(app, catalogue.content);
  suitCrowd(app);
  app.play.prewarm();
  const linked = app.share.open(location.hash);
  if (embedded) restOutOfSight(app.play);
  else {
    // Who designs rewards by then needs the cores for the designer; Train loads its workers when it is entered.
    const prewarm = () => app.room !== "ask" && app.run.prewarm();
    app.play.addEventListener("frame", () => setTimeout(prewarm, TRAINER_WAITS_MS), { once: true });
  }
  const shipped = catalogue.files.has("policies/index.json") ? app.library.loadShipped() : Promise.resolve();
  await Promise.all([
    shipped.catch((error) => notices.report(error, { key: "shipped" })),
    embedded ? null : rememberWork(app).catch((error) => notices.report(error, { key: "storage" })),
  ]);
  if (await linked) return;
  const entry = app.library.training ?? app.library.shipped[0];
  const task = app.tasks.get(entry?.task ?? "") ?? /** @type {TaskRecord} */ (catalogue.tasks[0]);
  app.show(entry ?? RANDOM, task);
}

begin();
