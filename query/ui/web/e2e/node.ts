import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A whole Daybook node of the built program: its own broker and ClickHouse, in a folder of its own.

const program = process.env["DAYBOOK_BIN"] ?? join(import.meta.dirname, "../../../../bin/daybook");

/** freePorts asks the system for ports that nobody listens on; all are held until each is known. */
async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, async () => {
      const server = createServer();
      await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

export interface Node {
  url: string;
  adminUrl: string;
  /** The address of its broker. */
  kafka: string;
  /** The bootstrap key: an admin of every tenant. */
  bootstrap: string;
  /** start starts the program and waits until it is ready; after kill or stop it starts it again, on the same addresses. */
  start(): Promise<void>;
  /** kill ends it as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** run runs another command of the program with this node's settings, and returns its output. */
  run(args: string[], input?: string): Promise<string>;
  /** key makes an API key. */
  key(tenant: string, ...scopes: string[]): Promise<string>;
  remove(): Promise<void>;
}

export async function newNode(settings: Record<string, string> = {}): Promise<Node> {
  const folder = await mkdtemp(join(tmpdir(), "daybook-e2e-"));
  const [http, admin, kafka, clickhouse] = await freePorts(4);
  const bootstrap = "bootstrap-of-a-test";
  const env = {
    ...process.env,
    DAYBOOK_HTTP_ADDR: `127.0.0.1:${http}`,
    DAYBOOK_ADMIN_ADDR: `127.0.0.1:${admin}`,
    DAYBOOK_EMBEDDED_DIR: join(folder, "data"),
    DAYBOOK_EMBEDDED_KAFKA_ADDR: `127.0.0.1:${kafka}`,
    DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR: `127.0.0.1:${clickhouse}`,
    DAYBOOK_AUTH_BOOTSTRAP_KEY: bootstrap,
    DAYBOOK_LOG_LEVEL: "warn",
    ...settings,
  };
  const url = `http://127.0.0.1:${http}`;
  const adminUrl = `http://127.0.0.1:${admin}`;
  let child: ChildProcess | undefined;
  let log = "";

  const ended = (process: ChildProcess) =>
    new Promise<void>((done) =>
      process.exitCode !== null || process.signalCode !== null ? done() : process.once("exit", () => done()),
    );

  const node: Node = {
    url,
    adminUrl,
    kafka: `127.0.0.1:${kafka}`,
    bootstrap,
    async start() {
      child = spawn(program, ["serve"], { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (log += chunk));
      for (const deadline = Date.now() + 60_000; ; ) {
        if (child.exitCode !== null) throw new Error(`serve has ended:\n${log}`);
        const ready = await fetch(`${adminUrl}/readyz`).catch(() => undefined);
        if (ready?.ok) return;
        if (Date.now() > deadline) throw new Error(`serve is not ready after a minute:\n${log}`);
        await new Promise((wait) => setTimeout(wait, 100));
      }
    },
    async kill() {
      child?.kill("SIGKILL");
      if (child) await ended(child);
    },
    async stop() {
      child?.kill("SIGTERM");
      if (child) await ended(child);
    },
    async run(args, input = "") {
      const command = spawn(program, args, { env, cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
      let out = "";
      let errors = "";
      command.stdout.on("data", (chunk) => (out += chunk));
      command.stderr.on("data", (chunk) => (errors += chunk));
      command.stdin.end(input);
      const code = await new Promise((done) => command.once("close", done));
      if (code !== 0) throw new Error(`daybook ${args.join(" ")} ended with ${code}: ${errors}`);
      return out;
    },
    async key(tenant, ...scopes) {
      const answer = await fetch(`${url}/api/v1/keys`, {
        method: "POST",
        headers: { Authorization: `Bearer ${bootstrap}`, "Content-Type": "application/json" },
        body: JSON.stringify({ tenantId: tenant, name: `${scopes.join(" ")} of a test`, scopes }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      return ((await answer.json()) as { key: string }).key;
    },
    async remove() {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await readFile(program).catch(() => {
    throw new Error(`${program} is not there: run make build`);
  });
  return node;
}
