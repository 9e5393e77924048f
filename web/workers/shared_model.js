/** One model made of several robots and some balls, put together by the engine itself: nothing of their XML is read here. */

/** @import {MainModule, MjModel, MjSpec} from "../runtime/mujoco/mujoco.js" */

export const BALL = { radius_m: 0.12, mass_kg: 5 };
const BALL_XML = `<mujoco><worldbody><body><freejoint/><geom type="sphere" size="${BALL.radius_m}" \
mass="${BALL.mass_kg}" condim="6" friction="0.7 0.01 0.003" solref="0.01 0.6"/></body></worldbody></mujoco>`;

/**
 * The first robot keeps its names and brings the world; the bodies, joints, actuators and sensors of the others follow in
 * the same order, then the balls.
 * @param {MainModule} mujoco
 * @param {string} xml of one robot in its world
 * @param {number} robots
 * @param {number} balls
 * @returns {MjModel}
 * @throws {Error} the engine cannot read or join them
 */
export function joinModels(mujoco, xml, robots, balls) {
  /** @type {MjSpec[]} */
  const specs = [];
  try {
    const base = mujoco.parseXMLString(xml);
    specs.push(base);
    for (let k = 1; k < robots + balls; k++) {
      const robot = k < robots;
      const other = mujoco.parseXMLString(robot ? xml : BALL_XML);
      specs.push(other);
      if (robot) clearWorld(mujoco, other);
      const world = mujoco.mjs_findBody(base, "world");
      const joined = world && mujoco.mjs_attach(world.element, other.element, `other${k}_`, "");
      if (!joined) throw new Error(`robot ${k + 1} cannot join the others: ${mujoco.mjs_getError(base)}`);
    }
    return mujoco.mj_compile(base);
  } finally {
    for (const spec of specs.reverse()) spec.delete();
  }
}

/**
 * Take away what stands in a robot's own world: the first one's is there already.
 * @param {MainModule} mujoco
 * @param {MjSpec} spec
 */
function clearWorld(mujoco, spec) {
  const world = mujoco.mjs_findBody(spec, "world");
  if (!world) return;
  const { mjOBJ_GEOM, mjOBJ_SITE, mjOBJ_CAMERA, mjOBJ_LIGHT } = mujoco.mjtObj;
  for (const kind of [mjOBJ_GEOM, mjOBJ_SITE, mjOBJ_CAMERA, mjOBJ_LIGHT]) {
    for (;;) {
      const thing = mujoco.mjs_firstChild(world, kind, 0);
      if (!thing) break;
      mujoco.mjs_delete(spec, thing);
    }
  }
}
