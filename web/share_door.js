/** Links: what an address carries is opened, what plays or trains is shared. The parts are loaded when first needed. */

import { PageError } from "./errors.js";
import { loadPart } from "./requirements.js";

/** @import {App} from "./app.js" */
/** @import {PolicyEntry, Recipe} from "./page_types" */
/** @import {ShareSheet} from "./panels/share/share_sheet.js" */
/** @import {RecipeCard} from "./panels/share/recipe_card.js" */

/** A fragment that means to be a link; the page has no others. */
const LINK = /^#[a-z]=/;

export class ShareDoor {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {ShareSheet|null} */
    this.sheet = null;
    /** A recipe from a link that waits for the press. @type {RecipeCard|null} */
    this.card = null;
    window.addEventListener("hashchange", () => this.open(location.hash));
  }

  /**
   * Open what an address carries: a policy plays at once, a recipe waits in Train.
   * @param {string} fragment of the address
   * @returns {Promise<boolean>} whether a policy took the stage
   */
  async open(fragment) {
    if (!LINK.test(fragment)) return false;
    const { app } = this;
    try {
      if (!fragment.startsWith("#r=")) return await this.#openPolicy(fragment);
      await this.#openRecipe(fragment);
    } catch (error) {
      const { message, todo } = /** @type {{message: string, todo?: string}} */ (error);
      const known = error instanceof PageError;
      app.notices.report(
        known ? error : new PageError("This link cannot be opened", message, todo ?? "Ask for it again."),
        { key: "link" },
      );
    }
    return false;
  }

  /** @param {string} fragment */
  async #openPolicy(fragment) {
    const { app } = this;
    const { readPolicyLink } = await loadPart(() => import("./links/policy_link.js"), "What reads links");
    const shared = await readPolicyLink(fragment, app.library.linkTasks);
    const entry = app.library.takeLinked(shared);
    const task = app.tasks.get(shared.task);
    if (!task) return false;
    app.notices.close("link");
    app.show(entry, task);
    app.enter("watch");
    return true;
  }

  /** @param {string} fragment */
  async #openRecipe(fragment) {
    const { app } = this;
    const [{ readRecipeLink }, { RecipeCard }] = await loadPart(
      () => Promise.all([import("./links/recipe_link.js"), import("./panels/share/recipe_card.js")]),
      "What reads links",
    );
    const { settings } = app.trainPanel;
    const shared = await readRecipeLink(fragment, { tasks: app.tasks, settings });
    const task = app.tasks.get(shared.recipe.task);
    if (!task) return;
    app.notices.close("link");
    this.card?.close();
    this.card = new RecipeCard(app, shared, task);
    app.enter("train");
  }

  /**
   * Show what can be shared, and how long its link is.
   * @param {{policy: PolicyEntry|null, recipe: Recipe|null}} what
   */
  async share(what) {
    const task = this.app.tasks.get(what.policy?.task ?? what.recipe?.task ?? "");
    if (task?.own) {
      this.app.notices.show({
        key: "link",
        title: "A link cannot carry a robot of your own",
        what: `Whoever opens it would not have ${task.title}.`,
        todo: "Export the policy, and hand it on with the robot's file.",
      });
      return;
    }
    try {
      if (!this.sheet) {
        const load = () => import("./panels/share/share_sheet.js");
        const { ShareSheet } = await loadPart(load, "The part that makes links");
        this.sheet = new ShareSheet(this.app);
      }
      this.sheet.open(what);
    } catch (error) {
      this.app.notices.report(error, { key: "link" });
    }
  }

  /** Share what plays in Watch. */
  shareShown() {
    const { entry } = this.app.play.show ?? {};
    if (entry)
      this.share({ policy: entry.origin === "random" ? null : entry, recipe: entry.facts?.recipe ?? null });
  }

  /** Share the run and its newest policy. */
  shareTraining() {
    const { library, run } = this.app;
    this.share({ policy: library.training, recipe: run.recipe });
  }
}
