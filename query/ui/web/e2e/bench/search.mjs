// How long the search takes, as a person sees it: from the press of Enter to painted rows, the first view, and scrolling
// through 100,000 rows. It is no test: figures depend on the machine, and stand beside what the API alone takes.
//
//   DAYBOOK_URL=http://127.0.0.1:8080 DAYBOOK_API_KEY=… node e2e/bench/search.mjs [RUNS]
//
// Prints JSON: medians with least and most, in milliseconds.
import { chromium } from "playwright-core";

const url = process.env["DAYBOOK_URL"] ?? "http://127.0.0.1:8080";
const key = process.env["DAYBOOK_API_KEY"] ?? "";
const runs = Number(process.argv[2] ?? 9);
const from = "now-30d";

const queries = [
  "card",
  '"insufficient_funds"',
  "severity:ERROR+",
  "type:payment.failed",
  "payload.currency:USD payload.amount:>1000",
  "-type:request.success source:auth",
];

const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 } });
const session = await context.request.post("/api/v1/session", { data: { key } });
if (!session.ok()) throw new Error(await session.text());

const summary = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  const round = (n) => Math.round(n * 10) / 10;
  return {
    median: round(sorted[Math.floor(sorted.length / 2)]),
    min: round(sorted[0]),
    max: round(sorted.at(-1)),
    runs: list.length,
  };
};

/** api returns what the same page of a search takes without a browser's page around it. */
async function api(q) {
  const query = new URLSearchParams({ q, from, tz: "Europe/Prague", highlight: "true", limit: "100" });
  const began = performance.now();
  const answer = await fetch(`${url}/api/v1/events?${query}`, { headers: { Authorization: `Bearer ${key}` } });
  await answer.text();
  return performance.now() - began;
}

const results = [];

/** told keeps a result, and shows it to who waits. */
function told(result) {
  results.push(result);
  process.stderr.write(`${JSON.stringify(result)}\n`);
}

// The first view: from the address to painted rows, with nothing in the browser's cache, and with it.
for (const [name, fresh] of [
  ["first view, nothing cached", true],
  ["first view, files cached", false],
]) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    if (fresh) await cdp.send("Network.clearBrowserCache");
    await page.goto("/", { waitUntil: "commit" });
    times.push(
      await page.evaluate(
        () =>
          new Promise((done) => {
            const look = () =>
              document.querySelector(".events [data-index]")
                ? requestAnimationFrame(() => done(performance.now()))
                : requestAnimationFrame(look);
            look();
          }),
      ),
    );
    await page.close();
  }
  told({ name, ...summary(times) });
}

// From the press of Enter to painted rows.
const page = await context.newPage();
for (const q of queries) {
  const times = [];
  const alone = [];
  for (let i = 0; i < runs; i++) {
    // Another visit: what was answered in this one is not asked again.
    await page.goto(`/?from=${from}`);
    const input = page.getByRole("combobox", { name: "Search" });
    await page.locator(".events[aria-busy=false] [data-index]").first().waitFor();
    await page.waitForLoadState("networkidle");
    alone.push(await api(q));
    await input.fill(q);
    // The list of completions is closed: nothing but the search is measured.
    await input.press("Escape").catch(() => undefined);
    await input.focus();
    const painted = page.evaluate(
      () =>
        new Promise((done) => {
          addEventListener(
            "keydown",
            (event) => {
              const began = event.timeStamp;
              let left = false;
              const look = () => {
                const busy = document.querySelector(".events[aria-busy=true]");
                left ||= busy !== null;
                if (!left || busy || !document.querySelector(".events [data-index]"))
                  return requestAnimationFrame(look);
                // A message that is sent in a frame comes once that frame has been painted.
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => done(performance.now() - began);
                port2.postMessage(null);
              };
              look();
            },
            { capture: true, once: true },
          );
        }),
    );
    await input.press("Enter");
    times.push(await painted);
  }
  told({ name: `Enter to painted rows: ${q}`, ...summary(times), api_ms: summary(alone).median });
}

// Scrolling through what has been loaded.
await page.goto(`/?from=${from}&side=none`);
await page.locator(".events [data-index]").first().waitFor();
const wanted = 100_000;
const began = performance.now();
await page.evaluate(
  (rows) =>
    new Promise((done, failed) => {
      const grid = document.querySelector(".events");
      const look = () => {
        const foot = document.querySelector(".results-foot")?.textContent ?? "";
        const loaded = Number(/([\d,]+) loaded/.exec(foot)?.[1]?.replaceAll(",", "") ?? 0);
        if (loaded >= rows || foot.startsWith("All")) return done(loaded);
        if (foot.includes("can't")) return failed(new Error(foot));
        grid.scrollTop = grid.scrollHeight;
        setTimeout(look, 20);
      };
      look();
    }),
  wanted,
);
const loading = performance.now() - began;
const scrolled = await page.evaluate(
  () =>
    new Promise((done) => {
      const grid = document.querySelector(".events");
      const frames = [];
      let blank = 0;
      let last = performance.now();
      grid.scrollTop = 0;
      const step = (now) => {
        frames.push(now - last);
        last = now;
        const box = grid.getBoundingClientRect();
        if (!document.elementFromPoint(box.left + 60, box.top + box.height / 2)?.closest("[data-index]")) blank++;
        if (frames.length > 300) return done({ frames: frames.slice(1), blank });
        grid.scrollTop += 400 + (frames.length % 10) * 300;
        requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    }),
);
const cdp = await context.newCDPSession(page);
await cdp.send("HeapProfiler.collectGarbage");
const { usedSize } = await cdp.send("Runtime.getHeapUsage");
const frames = scrolled.frames.toSorted((a, b) => a - b);
told({
  name: "scrolling through 100,000 rows",
  frames_per_second: Math.round((frames.length * 1000) / frames.reduce((sum, one) => sum + one, 0)),
  p95_frame_ms: Math.round(frames[Math.floor(frames.length * 0.95)] * 10) / 10,
  max_frame_ms: Math.round(frames.at(-1) * 10) / 10,
  blank_frames: scrolled.blank,
  rows_in_document: await page.locator(".events [data-index]").count(),
  heap_mib: Math.round(usedSize / 2 ** 20),
  loading_ms: Math.round(loading),
});
await browser.close();
process.stdout.write(`${JSON.stringify({ bench: "search page", url, from, results }, null, 2)}\n`);
