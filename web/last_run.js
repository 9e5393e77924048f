/** The run that the last visit left, offered where nothing runs yet. */

import { duration, shortCount } from "./panels/format.js";

/** @import {App} from "./app.js" */

/** @param {App} app */
export async function offerLastRun(app) {
  const { run, stage, views, notices } = app;
  const last = await app.storage?.lastRun();
  const task = last && app.tasks.get(last.saved.recipe.task);
  if (!last || !task || run.state !== "idle") return;
  run.restore(last.id, last.saved, task);
  const robots = Math.min(last.saved.recipe.n_envs, run.visible);
  stage.setRobots(views.train, task.model, robots, views.train.dt).catch((error) => app.sceneFailed(error));
  const ago = duration((Date.now() - last.saved.savedAt) / 1000);
  if (last.saved.state === "finished") return;
  notices.show({
    key: "last-run",
    kind: "info",
    title: `Your last run is here: ${task.group}, ${task.title.toLowerCase()}, ${shortCount(last.saved.steps)} steps`,
    what: `Saved ${ago} ago.`,
    actions: [
      {
        label: "Continue the last run",
        run: () => {
          app.enter("train");
          run.goOn();
        },
      },
    ],
  });
}
