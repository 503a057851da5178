import { whenEnded } from "./life.ts";
import type { World } from "./reader.ts";

/** The world of a browser, in a page as in a worker. */
export const world: World = {
  fetch: (path, init) => fetch(path, init),
  now: () => Date.now(),
  random: () => Math.random(),
  online: () => navigator.onLine,
  whenEnded,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
