import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessible, newContext, open, publish, screenshot } from "./browser.ts";
import {
  address,
  contiguous,
  list,
  live,
  newRun,
  numbered,
  onScreen,
  row,
  state,
  steadily,
  streams,
  walk,
} from "./live.ts";
import { type Node, newNode } from "./node.ts";

/** How long the long tests pause, in seconds: DAYBOOK_E2E_LONG=1 has them pause for the minute that is promised. */
const pause = process.env["DAYBOOK_E2E_LONG"] ? 60 : 5;

for (const theme of ["light", "dark"] as const)
  test(`events appear by themselves, with colour, sign and name, in the ${theme}`, async () => {
    const run = newRun();
    const page = await open(`/live?q=payload.run:${run}`, { dark: theme === "dark" });
    await live(page);
    await page.getByText("Nothing that matches has come yet").waitFor();
    await accessible(page);
    const severities = ["INFO", "WARN", "ERROR", "CRITICAL"];
    await publish(severities.map((severity) => ({ eventType: "invoice.created", severity, payload: { run } })));
    for (const severity of severities) {
      const mark = row(page, severity).locator("svg");
      await mark.waitFor();
      expect(await mark.getAttribute("aria-hidden")).toBe("true");
    }
    const colours = await Promise.all(
      severities.map((severity) => row(page, severity).evaluate((one) => getComputedStyle(one).borderLeftColor)),
    );
    expect(new Set(colours).size).toBe(4);
    await accessible(page);

    await page.goto("/live");
    await live(page);
    await row(page, run).first().waitFor();
    await page.keyboard.press("p");
    await publish(numbered(run, 0, 12));
    await page.getByRole("button", { name: "12 new" }).waitFor();
    const shown = (await onScreen(page)).join("\n");
    expect(shown).toContain(`CRITICALinvoice.created`);
    expect(shown).not.toContain(`step.donerun ${run}`);
    await accessible(page);
    await screenshot(page, `live-${theme}`);
  });

test(`a pause of ${pause} s at 500 events/s loses nothing`, async () => {
  const run = newRun();
  const page = await open(address(run));
  await live(page);
  const source = steadily(run, 500);
  await row(page, /^\d+$/).nth(20).waitFor();
  await page.keyboard.press("p");
  await state(page).getByText("Paused", { exact: true }).first().waitFor();
  const shown = await onScreen(page);
  expect(shown.filter((text) => /^\d+$/.test(text)).length).toBeGreaterThan(10);
  await expect
    .poll(() => waiting(page), { timeout: (pause * 1.5 + 20) * 1000, interval: 250 })
    .toBeGreaterThan(pause * 500);
  expect(await onScreen(page)).toEqual(shown);

  await page.getByRole("button", { name: /new/ }).click();
  await state(page).getByText("Paused", { exact: true }).first().waitFor({ state: "detached" });
  const published = await source.stop();
  await row(page, new RegExp(`^${published - 1}$`)).waitFor();
  expect(contiguous(await walk(page), published)).toBe("");
}, 240_000);

async function waiting(page: Page): Promise<number> {
  const text = await state(page)
    .getByText(/waiting/)
    .textContent();
  return Number(text?.replace(/\D/g, ""));
}

test("scrolling up pauses, and scrolling down to the end, a button, p and Space go on", async () => {
  const run = newRun();
  await publish(numbered(run, 0, 150));
  const page = await open(address(run));
  await live(page);
  await state(page).getByText("150 kept").waitFor();
  const paused = state(page).getByText("Paused", { exact: true }).first();
  await list(page).hover();

  await page.mouse.wheel(0, -400);
  await paused.waitFor();
  const shown = await onScreen(page);
  await publish(numbered(run, 150, 160));
  await page.getByRole("button", { name: "10 new" }).waitFor();
  expect(await onScreen(page)).toEqual(shown);
  await page.mouse.wheel(0, 10_000);
  await paused.waitFor({ state: "detached" });
  await state(page).getByText("160 kept").waitFor();

  await list(page).focus();
  await page.keyboard.press("Home");
  await paused.waitFor();
  await page.getByRole("button", { name: "Back to the newest" }).click();
  await paused.waitFor({ state: "detached" });
  for (const key of ["p", "Space"]) {
    await page.keyboard.press(key);
    await paused.waitFor();
    await page.keyboard.press(key);
    await paused.waitFor({ state: "detached" });
  }
  await publish(numbered(run, 160, 161));
  await row(page, "160").waitFor();
});

test("an event opens beside the list, which waits meanwhile", async () => {
  const run = newRun();
  await publish(numbered(run, 0, 3));
  const page = await open(`/live?q=payload.run:${run}`);
  for (const n of [0, 1, 2]) await row(page, new RegExp(`n ${n}\\b`)).waitFor();
  // Which of them is the first is for their partitions to say.
  await list(page).locator("[aria-rowindex='3']").click();
  const panel = page.getByRole("complementary", { name: /^Event/ });
  await panel.getByText(run).first().waitFor();
  await state(page).getByText("Paused", { exact: true }).first().waitFor();
  const first = new URL(page.url()).searchParams.get("event");
  await accessible(page);
  await page.keyboard.press("j");
  await page.waitForURL((url) => url.searchParams.get("event") !== first);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await page.keyboard.press("k");
  await page.keyboard.press("e");
  await page.waitForURL((url) => url.searchParams.get("event") === first);
});

test("another filter begins another stream, and back is the one before", async () => {
  const [one, other] = [newRun(), newRun()];
  await publish([...numbered(one, 0, 2), ...numbered(other, 10, 12)]);
  const page = await open(address(one));
  await row(page, "1").first().waitFor();
  await page.getByRole("combobox", { name: /search/i }).fill(`payload.run:${other}`);
  await page.keyboard.press("Enter");
  await row(page, "11").waitFor();
  expect(await row(page, /^1$/).count()).toBe(0);
  await page.goBack();
  await row(page, /^1$/).waitFor();
  expect(await row(page, "11").count()).toBe(0);
});

test("a fault of the filter is told at its place", async () => {
  const page = await open("/live?q=severity:LOUD");
  await page.getByText(/LOUD/).first().waitFor();
  await page.getByRole("alert").first().waitFor();
});

test("gap, lag and resync are rows of the list", async () => {
  // No server can be brought to lose events at will: this one is played, to a page without a shared worker.
  const context = await newContext();
  await context.addInitScript(() => {
    Reflect.deleteProperty(window, "SharedWorker");
  });
  const frame = (name: string, id: string, members: object) =>
    `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(members)}\n\n`;
  const at = "2026-04-17T14:32:01Z";
  const event = { eventId: "e", eventType: "a.b", severity: "INFO", createdAt: at, ingestedAt: at, payload: {} };
  await context.route("**/api/v1/events/stream*", (route) =>
    route.fulfill({
      contentType: "text/event-stream",
      body:
        frame("hello", "1", { mode: "kafka", serverTime: new Date().toISOString(), heartbeatMs: 15_000 }) +
        frame("lag", "1", { mode: "store", behind: 12_345, behindMs: 180_000 }) +
        `id: 2\ndata: ${JSON.stringify(event)}\n\n` +
        frame("gap", "3", {
          reason: "retention",
          missing: 1234,
          after: at,
          partitions: [{ partition: 3, from: 1000, to: 2234 }],
        }) +
        frame("resync", "4", { reason: "the topic was made anew", from: at }) +
        frame("bye", "4", { reason: "age", reconnectInMs: 600_000 }),
    }),
  );
  const page = await context.newPage();
  await page.goto("/live");
  await row(page, "Behind: 12,345 records, 3 min").waitFor();
  const gap = row(page, "Gap: 1,234 records are missing");
  await gap.getByText("partition 3: offsets 1,000 to 2,233").waitFor();
  await row(page, "some events may come twice").waitFor();
  await state(page)
    .getByText(/Reconnecting in \d+ s: the server asks for a fresh connection/)
    .waitFor();
  await accessible(page);
  await screenshot(page, "live-notes");
});

test("without a shared worker it is the same, and without a network it says so and goes on", async () => {
  const run = newRun();
  const context = await newContext({ expected: [/ERR_INTERNET_DISCONNECTED/] });
  await context.addInitScript(() => {
    Reflect.deleteProperty(window, "SharedWorker");
  });
  const page = await context.newPage();
  await page.goto(address(run));
  await live(page);
  await publish(numbered(run, 0, 5));
  await row(page, "4").waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline").waitFor();
  await publish(numbered(run, 5, 10));
  await context.setOffline(false);
  await row(page, "9").waitFor();
  await live(page);
  expect(contiguous(await walk(page), 10)).toBe("");
});

test("seven tabs over HTTP/1.1 are live at once, on four connections at most, and their other calls are answered", async () => {
  await expect.poll(() => streams()).toBe(0);
  const runs = [newRun(), newRun(), newRun(), newRun(), newRun()] as const;
  const context = await newContext();
  const pages: Page[] = [];
  for (const run of [runs[0], runs[0], runs[0], runs[0], runs[1], runs[2], runs[3]]) {
    const page = await context.newPage();
    await page.goto(address(run));
    pages.push(page);
  }
  for (const page of pages) await live(page);
  await publish(runs.flatMap((run) => numbered(run, 0, 3)));
  for (const page of pages) {
    await row(page, "2").waitFor();
    const status = await page.evaluate(async () => (await fetch("/api/v1/events?limit=1")).status);
    expect(status).toBe(200);
    expect(contiguous(await walk(page), 3)).toBe("");
  }
  expect(await streams()).toBe(4);

  const fifth = await context.newPage();
  await fifth.goto(address(runs[4]));
  await fifth.getByText("This browser has 4 live streams open already").waitFor();
  await accessible(fifth);
  await pages[6]?.close();
  await live(fifth);
  await row(fifth, "2").waitFor();
  expect(await streams()).toBe(4);

  // A tab that crashes says no goodbye.
  await crash(pages[5] as Page);
  await expect.poll(() => streams(), { timeout: 20_000 }).toBe(3);
  // In the first one's process is the worker that all share: the others start another, and miss nothing.
  await crash(pages[0] as Page);
  await publish(numbered(runs[0], 3, 6));
  await row(pages[1] as Page, "5").waitFor();
  expect(contiguous(await walk(pages[1] as Page), 6)).toBe("");
  for (const page of [...pages.slice(1, 5), fifth]) await page.close();
  await expect.poll(() => streams()).toBe(0);
});

/** crash ends a tab's process. */
async function crash(page: Page) {
  const devtools = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  void devtools.send("Page.crash").catch(() => undefined);
  await crashed;
}

test("who signs out in another tab is asked to sign in", async () => {
  const context = await newContext({ expected: [/status of 401/] });
  const page = await context.newPage();
  await page.goto("/live");
  await live(page);
  const other = await context.newPage();
  await other.goto("/admin/status");
  await other.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor({ timeout: 30_000 });
});

describe("a node that is killed", () => {
  let node: Node;
  let key: string;
  beforeAll(async () => {
    // Nothing is preloaded: who comes back has to be brought on from Kafka.
    node = await newNode({ DAYBOOK_STREAM_PRELOAD: "0s" });
    await node.start();
    key = await node.key("t", "admin");
  });
  afterAll(() => node?.remove());

  test("and started again under a live page: no event is lost, none comes twice", async () => {
    const run = newRun();
    const visit = { url: node.url, key };
    const page = await open(address(run), {
      ...visit,
      expected: [/Failed to load resource/, /ERR_CONNECTION_REFUSED/],
    });
    await live(page);
    let published = 0;
    const more = async (n: number) => {
      await publish(numbered(run, published, published + n), visit);
      published += n;
    };
    await more(300);
    await state(page).getByText("300 kept").waitFor();
    for (let kills = 0; kills < 2; kills++) {
      // Published and killed at once: some have been shown, some not.
      await more(400);
      await node.kill();
      await state(page)
        .getByText(/Reconnecting in \d+ s/)
        .waitFor();
      await node.start();
      await more(400);
      await live(page);
      await expect.poll(async () => contiguous(await walk(page), published), { timeout: 30_000 }).toBe("");
    }
    await expect.poll(() => streams(node.adminUrl)).toBe(1);
  }, 240_000);
});
