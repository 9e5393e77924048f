/** A recipe that came in a link: what it will do, its reward as the text it is, and the press without which nothing runs. */

import { button, h, setText } from "../elements.js";
import { recipeView } from "../recipe_view.js";

/** @import {App} from "../../app.js" */
/** @import {SharedRecipe} from "../../links/recipe_link.js" */
/** @import {TaskRecord} from "../../page_types" */

export class RecipeCard {
  /**
   * @param {App} app
   * @param {SharedRecipe} shared
   * @param {TaskRecord} task
   */
  constructor(app, { name, made, recipe }, task) {
    this.app = app;
    const { reward = "" } = recipe;
    const train = () => {
      this.close();
      if (app.run.state !== "idle") app.resetRun();
      app.train(recipe, task, "");
    };
    this.train = button("Train this", train, { class: "primary", id: "train-shared" });
    this.note = h("p", { class: "setting-help", role: "status" });
    this.element = h(
      "section",
      { class: "shared-recipe", "aria-label": "Recipe from a link" },
      h("p", { class: "tag" }, "From a link"),
      h("h2", { class: "shared-name", dir: "auto" }, name || task.title),
      made ? h("p", { class: "muted", dir: "auto" }, made) : null,
      h("p", {}, `${task.group}: ${task.title}.`),
      recipeView({ ...recipe, reward: "" }, task, app.trainPanel.settings),
      reward
        ? h(
            "div",
            {},
            h("p", {}, "It brings its own reward, which somebody else wrote:"),
            h("pre", { class: "mono shared-code", tabIndex: 0, "aria-label": "Reward code" }, reward),
          )
        : null,
      this.note,
      h(
        "div",
        { class: "row" },
        this.train,
        button("Put aside", () => this.close()),
      ),
    );
    this.update = () => {
      this.train.disabled = app.run.live;
      setText(this.note, this.#words(reward !== ""));
    };
    app.run.addEventListener("change", this.update);
    this.update();
    document.querySelector("#panel-train .panel-body")?.prepend(this.element);
  }

  /** @param {boolean} coded */
  #words(coded) {
    const { run } = this.app;
    if (run.live) return "A run is going on; stop it before you train this.";
    const first = coded
      ? "Nothing of it has run. Pressing checks the code and trains with it in a worker without network or storage"
      : "Nothing has run yet. Pressing trains it here";
    return `${first}${run.state === "idle" ? "." : "; the run below is put aside."}`;
  }

  /** Take it off the page, and out of the address. */
  close() {
    this.app.run.removeEventListener("change", this.update);
    this.element.remove();
    if (location.hash.startsWith("#r=")) history.replaceState(null, "", location.pathname + location.search);
  }
}
