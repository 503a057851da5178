import { Hub } from "./hub.ts";
import type { Port } from "./protocol.ts";
import { world } from "./world.ts";

// The SharedWorker that all tabs of this browser have in common.

const hub = new Hub(world);

(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0];
  if (port) hub.attach(port as Port);
};
