import { Hub } from "./hub.ts";
import { hold } from "./life.ts";
import type { Port } from "./protocol.ts";
import { world } from "./world.ts";

// The SharedWorker that all tabs of this browser have in common.

const hub = new Hub(world);
hold((name) => hub.lives(name));

(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0];
  if (port) hub.attach(port as Port);
};
