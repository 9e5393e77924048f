/**
 * The drawing of one robot model: NAME.scene.json, written by wasm/models beside NAME.xml. Every body, parent and
 * joint is an index into mjModel's own order; body 0 is the world. Metres, kilograms, newton metres; quaternions w x y z.
 */

/**
 * @typedef {object} SceneBody
 * @property {string} name
 * @property {number} parent
 * @property {number} mass
 */
/**
 * @typedef {object} SceneGeom
 * @property {string} name
 * @property {number} body
 * @property {"plane"|"sphere"|"capsule"|"ellipsoid"|"cylinder"|"box"} type
 * @property {number[]} size MuJoCo's three sizes: radius and half length, or half extents
 * @property {number[]} pos in the body's frame
 * @property {number[]} quat in the body's frame
 * @property {number[]} rgba
 */
/**
 * @typedef {object} SceneJoint
 * @property {string} name
 * @property {"free"|"ball"|"slide"|"hinge"} type
 * @property {number} body
 * @property {number[]} pos in the body's frame
 * @property {number[]} axis in the body's frame
 * @property {number[]|null} range
 */
/**
 * @typedef {object} SceneActuator
 * @property {string} name
 * @property {number} joint
 * @property {number[]} ctrlrange
 * @property {number} force the largest joint torque (N m) or force (N)
 * @property {number} [gear] joint torque per unit of actuator_force
 * @property {number} [rest] position of its joint in the first pose
 * @property {Record<string, number>|null} [servo] of one that pushes towards an angle: target + scale ctrl, stiffness, damping
 */
/**
 * @typedef {object} SceneLimb
 * @property {number} body
 * @property {number[]} from in the body's frame
 * @property {number[]} to in the body's frame
 * @property {number} radius
 * @property {"left"|"right"|"centre"} side
 */
/**
 * @typedef {object} Scene
 * @property {string} name
 * @property {number} timestep
 * @property {SceneBody[]} bodies
 * @property {SceneGeom[]} geoms
 * @property {SceneJoint[]} joints
 * @property {SceneActuator[]} actuators
 * @property {SceneLimb[]} limbs
 * @property {number[][]} rest pose of every body in the robot's first state: position, quaternion
 * @property {number} tracking_body
 * @property {{height: number, axis: "xz"|"xy", fixed_base: boolean}} view
 */

/** Drawings of robots that somebody brought: no file of the page has them. @type {Map<string, Scene>} */
const brought = new Map();

/**
 * Have a drawing without a file.
 * @param {Scene} scene
 * @throws {Error} it is not a scene
 */
export function keepScene(scene) {
  brought.set(scene.name, checkScene(scene, scene.name));
}

const LISTS = /** @type {const} */ (["bodies", "geoms", "joints", "actuators", "limbs", "rest"]);

/**
 * Fetch and check the drawing of a model.
 * @param {string|URL} url of NAME.scene.json
 * @returns {Promise<Scene>}
 * @throws {Error} when the file is missing or is not a scene; the message says which file and what to do.
 */
export async function loadScene(url) {
  const where = String(url);
  const own = brought.get(/([^/]*)\.scene\.json$/.exec(where)?.[1] ?? "");
  if (own) return own;
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new Error(
      `The robot's drawing ${where} could not be fetched (${error}). Check that the server runs.`,
    );
  }
  if (!response.ok) {
    throw new Error(
      `The robot's drawing ${where} is missing on the server (status ${response.status}). Run ./build.sh dist and reload the page.`,
    );
  }
  let data;
  try {
    data = await response.json();
  } catch {
    throw new Error(`The robot's drawing ${where} is not JSON. Run ./build.sh dist and reload the page.`);
  }
  return checkScene(data, where);
}

/**
 * @param {any} data
 * @param {string} where for the message
 * @returns {Scene}
 * @throws {Error} naming the first part that is missing or points outside the model.
 */
function checkScene(data, where) {
  const wrong = (/** @type {string} */ what) =>
    new Error(`The robot's drawing ${where} ${what}. Run ./build.sh dist and reload the page.`);
  if (typeof data !== "object" || data === null) throw wrong("is not an object");
  for (const key of LISTS) if (!Array.isArray(data[key])) throw wrong(`has no list "${key}"`);
  const count = data.bodies.length;
  if (count < 2) throw wrong(`has ${count} bodies and so no robot`);
  for (const list of /** @type {const} */ (["geoms", "joints", "limbs"])) {
    for (const item of data[list]) {
      if (!(Number.isInteger(item.body) && item.body >= 0 && item.body < count)) {
        throw wrong(`has an entry of "${list}" on body ${item.body}, outside 0 to ${count - 1}`);
      }
    }
  }
  if (data.rest.length !== count) throw wrong(`has ${data.rest.length} rest poses for ${count} bodies`);
  if (!(data.tracking_body > 0 && data.tracking_body < count)) throw wrong("has no tracking_body of its own");
  if (!(data.view?.height > 0)) throw wrong("has no view height");
  return data;
}

/**
 * The rest pose as a flat array, ready for any view.
 * @param {Scene} scene
 * @returns {Float32Array} nbody * 7
 */
export function restPose(scene) {
  return new Float32Array(scene.rest.flat());
}

/**
 * For each body, the actuators that drive its own joints.
 * @param {Scene} scene
 * @returns {{actuator: number, scale: number}[][]} scale turns |actuator_force| into a share of the largest torque
 */
export function actuatorsByBody(scene) {
  /** @type {{actuator: number, scale: number}[][]} */
  const found = scene.bodies.map(() => []);
  scene.actuators.forEach((actuator, index) => {
    const body = scene.joints[actuator.joint]?.body;
    if (body !== undefined && actuator.force > 0) {
      found[body]?.push({ actuator: index, scale: (actuator.gear ?? 1) / actuator.force });
    }
  });
  return found;
}

/**
 * Where the floor is, if the model has one.
 * @param {Scene} scene
 * @returns {number|null} world z (m)
 */
export function floorHeight(scene) {
  const plane = scene.geoms.find((geom) => geom.type === "plane");
  return plane ? (plane.pos[2] ?? 0) : null;
}
