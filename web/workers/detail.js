/** What goes on inside one robot now: what it touches, where its weight is, its joints and actuators. */

/** @import {Detail} from "../protocol" */
/** @import {BatchSim} from "./batch_sim.js" */
/** @import {SharedSim} from "./shared_sim.js" */

/** Contacts told of at most; a robot that lies flat has some twenty. */
const MOST_CONTACTS = 64;
const HINGE = 3;
const SLIDE = 2;

/**
 * The engine is asked anew for the state that the row is in; the row itself is not touched.
 * @param {BatchSim} sim
 * @param {number} row
 * @returns {Omit<Detail, "type"|"row"|"show"|"terms">}
 */
export function detailOf(sim, row) {
  const { engine, task, arrays, layout } = sim;
  const { mujoco, model, data, nu } = engine;
  sim.followMemory();
  engine.setState(sim.table, row * layout.width);
  if (sim.traits.needed) sim.traits.load(sim.table, row * layout.width + layout.traits);
  engine.drive(arrays.actions, row * nu);
  mujoco.mj_forward(model, data);
  // The engine may have warned of this state; that is no step's warning.
  sim.forwarded = true;
  sim.followMemory();
  const com = /** @type {Float64Array} */ (data.subtree_com);
  const width = task.signal_size;
  return {
    contacts: contactsOf(engine, (body) => body !== 0),
    com: Array.from(com.subarray(0, 3)),
    joints: jointsOf(engine),
    actuator_force: Array.from(/** @type {Float64Array} */ (data.actuator_force)),
    action: Array.from(arrays.actions.subarray(row * nu, (row + 1) * nu)),
    signals: Array.from(arrays.signals.subarray(row * width, (row + 1) * width)),
  };
}

/**
 * The same of a robot that shares its world: as of the last physics step's start, for asking anew would move nobody but cost as much
 * as a step of all.
 * @param {SharedSim} sim
 * @param {number} row
 * @returns {Omit<Detail, "type"|"row"|"show"|"terms">}
 */
export function sharedDetailOf({ world, task, arrays, first }, row) {
  const { mujoco, model, data } = world;
  const { nq, nu, nbody } = world.one;
  const robot = first + row;
  const [from, to] = [world.bodyOf(robot, 1), world.bodyOf(robot, nbody - 1)];
  const width = task.signal_size;
  const com = /** @type {Float64Array} */ (data.subtree_com).subarray(3 * from, 3 * from + 3);
  const qpos = /** @type {Float64Array} */ (data.qpos).subarray(robot * nq, (robot + 1) * nq);
  return {
    contacts: contactsOf({ mujoco, model, data }, (body) => body >= from && body <= to),
    com: Array.from(com),
    joints: jointsOf({ model, qpos }, world.one.joints),
    actuator_force: Array.from(arrays.torques.subarray(row * nu, (row + 1) * nu)),
    action: Array.from(arrays.actions.subarray(row * nu, (row + 1) * nu)),
    signals: Array.from(arrays.signals.subarray(row * width, (row + 1) * width)),
  };
}

/**
 * Where each joint is: rad, or m where it slides; 0 where one number does not say it.
 * @param {Pick<BatchSim["engine"], "model"|"qpos">} engine
 * @param {number} [count] of the model's joints; all
 */
function jointsOf({ model, qpos }, count) {
  const types = /** @type {Int32Array} */ (model.jnt_type).subarray(0, count);
  const places = /** @type {Int32Array} */ (model.jnt_qposadr);
  return Array.from(types, (type, joint) =>
    type === HINGE || type === SLIDE ? (qpos?.[/** @type {number} */ (places[joint])] ?? 0) : 0,
  );
}

/**
 * Point (m) and force (N) of every contact, as it acts on the robot; of two of its own bodies, on the second.
 * @param {Pick<BatchSim["engine"], "mujoco"|"model"|"data">} engine
 * @param {(body: number) => boolean} own whether a body is the robot's
 * @returns {number[]} 6 for each contact
 */
function contactsOf({ mujoco, model, data }, own) {
  /** @type {number[]} */
  const found = [];
  const bodies = /** @type {Int32Array} */ (model.geom_bodyid);
  const wrench = new mujoco.DoubleBuffer(6);
  const contacts = data.contact;
  try {
    for (let i = 0; i < data.ncon && found.length < 6 * MOST_CONTACTS; i++) {
      const contact = contacts.get(i);
      if (!contact) break;
      const second = own(/** @type {number} */ (bodies[contact.geom2]));
      if (!second && !own(/** @type {number} */ (bodies[contact.geom1]))) {
        contact.delete();
        continue;
      }
      mujoco.mj_contactForce(model, data, i, wrench);
      const frame = /** @type {Float64Array} */ (contact.frame);
      const point = /** @type {Float64Array} */ (contact.pos);
      const local = /** @type {Float64Array} */ (wrench.GetView());
      // The force acts on the second geom; where that is not the robot's, it feels the opposite.
      const sign = second ? 1 : -1;
      const along = (/** @type {number} */ axis) => {
        let sum = 0;
        for (let k = 0; k < 3; k++)
          sum += /** @type {number} */ (local[k]) * /** @type {number} */ (frame[3 * k + axis]);
        return sign * sum;
      };
      const force = [along(0), along(1), along(2)];
      found.push(...point.subarray(0, 3), ...force);
      contact.delete();
    }
  } finally {
    wrench.delete();
    contacts.delete();
  }
  return found;
}
