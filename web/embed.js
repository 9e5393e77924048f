/** `?embed=1`: the page as a part of another one. Only the robots, which rest while nobody can see them. */

/** @import {PlayControl} from "./play_control.js" */

export const embedded = new URLSearchParams(location.search).get("embed") === "1";
if (embedded) {
  document.body.dataset.embed = "yes";
  // Without controls there are no rooms to go to: keys are left to the page around.
  window.addEventListener("keydown", (event) => event.stopPropagation(), true);
}

/**
 * Rest while the frame is scrolled away or the tab is hidden.
 * @param {PlayControl} play
 */
export function restOutOfSight(play) {
  let inSight = true;
  const update = () => play.rest(!inSight || document.hidden);
  new IntersectionObserver(([entry]) => {
    inSight = entry?.isIntersecting ?? true;
    update();
  }).observe(document.documentElement);
  document.addEventListener("visibilitychange", update);
}
