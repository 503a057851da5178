// How the live view does under a stream of 2,000 events/s: node e2e/bench/live.mjs [RATE [SECONDS]]
//
// A node of its own, a page on it, and `daybook generate --rate` beside them, all on this machine. It prints frames a
// second and the longest waits between two frames, the delay that the page shows, and memory: of the page's and the
// worker's JavaScript, and of the browser's processes that run them (proportional set size).
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [rate = 2000, seconds = 60] = process.argv.slice(2).map(Number);
const program = process.env.DAYBOOK_BIN ?? join(import.meta.dirname, "../../../../../bin/daybook");
const port = (n) => 23400 + n;
const folder = await mkdtemp(join(tmpdir(), "daybook-live-"));
const env = {
  ...process.env,
  DAYBOOK_HTTP_ADDR: `127.0.0.1:${port(0)}`,
  DAYBOOK_ADMIN_ADDR: `127.0.0.1:${port(1)}`,
  DAYBOOK_EMBEDDED_DIR: join(folder, "data"),
  DAYBOOK_EMBEDDED_KAFKA_ADDR: `127.0.0.1:${port(2)}`,
  DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR: `127.0.0.1:${port(3)}`,
  DAYBOOK_AUTH_BOOTSTRAP_KEY: "bootstrap-of-a-bench",
  DAYBOOK_LOG_LEVEL: "warn",
};
const url = `http://127.0.0.1:${port(0)}`;
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const start = (...args) => spawn(program, args, { env, cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
const ended = (child) => new Promise((done) => child.once("exit", done));

const node = start("serve");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  while (!(await fetch(`http://127.0.0.1:${port(1)}/readyz`).catch(() => ({ ok: false }))).ok) await wait(200);
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 } });
  await context.request.post("/api/v1/session", { data: { key: "bootstrap-of-a-bench" } });
  const page = await context.newPage();
  await page.goto("/live?tenant=tenant_0000");
  await page.getByRole("region", { name: "State of the stream" }).getByText("Live", { exact: true }).first().waitFor();

  const generator = start("generate", "--events", "0", "--rate", String(rate), "--tenants", "1");
  await wait(10_000); // The compiler of the browser, and the first merges of the store, are done.
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable");
  const whole = await browser.newBrowserCDPSession();
  await page.evaluate(() => {
    window.gaps = [];
    let before = performance.now();
    const frame = (now) => {
      window.gaps.push(now - before);
      before = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const memory = [];
  const shown = [];
  for (let i = 0; i < seconds / 5; i++) {
    await wait(5000);
    memory.push({ heap: await heap(cdp), processes: await processes(whole) });
    shown.push(await page.getByRole("region", { name: "State of the stream" }).textContent());
  }
  const gaps = (await page.evaluate(() => window.gaps)).slice(1).toSorted((a, b) => a - b);
  const total = gaps.reduce((a, b) => a + b, 0);
  const at = (share) => Math.round(gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))]);
  say(`${rate} events/s for ${Math.round(total / 1000)} s, load ${loadavg().map((n) => n.toFixed(1))}`);
  say(
    `frames/s ${((gaps.length / total) * 1000).toFixed(1)}; between frames, ms: median ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`,
  );
  say(
    "memory, MB:",
    JSON.stringify(memory.at(-1)),
    "most:",
    JSON.stringify(memory.reduce((a, b) => (sum(b) > sum(a) ? b : a))),
  );
  say("shown:", shown.at(-1));
  generator.kill("SIGTERM");
  await ended(generator);
} finally {
  await browser.close();
  node.kill("SIGTERM");
  await ended(node);
  await rm(folder, { recursive: true, force: true });
}

function sum({ processes }) {
  return processes.reduce((a, b) => a + b, 0);
}

/** heap is the page's JavaScript; the worker's is in the memory of its process. */
async function heap(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return Math.round((metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0) / 1e6);
}

/** processes is the memory of each process that runs pages or workers. */
async function processes(whole) {
  const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
  const found = [];
  for (const { type, id } of processInfo) {
    if (type !== "renderer") continue;
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, "utf8").catch(() => "");
    found.push(Math.round(Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1000));
  }
  return found;
}
