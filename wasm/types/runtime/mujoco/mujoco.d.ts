// Types of the file that the build puts at runtime/mujoco/.
export * from "@mujoco/mujoco";
export { default } from "@mujoco/mujoco";
