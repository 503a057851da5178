import { readFile } from "node:fs/promises";
import { beforeAll, expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import {
  actor,
  at,
  chain,
  clipboard,
  failed,
  field,
  focused,
  from,
  id,
  opened,
  panelOf,
  storeChain,
} from "./event-panel.ts";
import { has, loaded, rows } from "./events.ts";

beforeAll(storeChain);

test("an event opens from the list, whole, and closes again", async () => {
  const page = await open(`/?${from()}&q=correlationId:${chain}`);
  await loaded(page);
  await rows(page).filter({ hasText: "payment.failed" }).click();
  const panel = panelOf(page);
  await panel.getByRole("heading", { name: "payment.failed" }).waitFor();
  await has(page, { event: id(failed) });
  const expected: [string, RegExp][] = [
    ["Time", /^Time\d{4}-.*\.300Europe\/Prague · 1 h ago/],
    ["Time (UTC)", new RegExp(at(1300).replace(/0+Z/, ""))],
    ["Severity", /ERROR/],
    ["Type", /payment\.failed/],
    ["Category", /billing/],
    ["Source", /billing/],
    ["Actor", new RegExp(actor.actorId)],
    ["Actor type", /USER/],
    ["Actor name", /Jane Doe/],
    ["Actor email", /jane@example\.com/],
    ["Target", /inv_1/],
    ["Target type", /INVOICE/],
    ["Correlation", new RegExp(chain)],
    ["IP address", /203\.0\.113\.7/],
    ["User agent", /curl\/8\.9/],
    ["Event id", new RegExp(id(failed))],
    ["Ingested", / h later|min later/],
    ["Tenant", new RegExp(inject("tenant"))],
  ];
  for (const [label, text] of expected) expect(await field(panel, label).textContent(), label).toMatch(text);
  const others = panel.getByRole("tree", { name: "Other members" });
  await others.getByRole("treeitem", { name: 'name: "eu"' }).waitFor();

  // The focus is where the event begins, and goes back to the list.
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("payment.failed");
  await page.keyboard.press("j");
  await panel.getByRole("heading", { name: "payment.received" }).waitFor();
  await panel.getByRole("button", { name: "Previous event in the list" }).click();
  await has(page, { event: id(failed) });
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await has(page, { event: null });
  expect(await focused(page)).toBe("Events");
  await page.keyboard.press("e");
  await panel.waitFor();
  await panel.getByRole("button", { name: "Close the event" }).click();
  await panel.waitFor({ state: "detached" });
});

test("each value is searched for, left out, and copied", async () => {
  const { page, panel } = await opened(failed);
  const source = field(panel, "Source");
  await source.hover();
  await source.getByRole("button", { name: "Only source billing" }).click();
  await has(page, { q: "source:billing", event: id(failed) });
  await source.getByRole("button", { name: "Not source billing" }).click();
  await has(page, { q: "-source:billing" });
  await source.getByRole("button", { name: "Not source billing", pressed: true }).click();
  await has(page, { q: null });
  await source.getByRole("button", { name: "Copy the value of Source" }).click();
  expect(await clipboard(page)).toBe("billing");

  const time = field(panel, "Time");
  await time.hover();
  await time.getByRole("button", { name: "From here" }).click();
  await time.getByRole("button", { name: "Until here" }).click();
  await has(page, { from: at(1300).replace(/0+Z/, "Z"), to: at(1301) });
  await loaded(page);
  await rows(page).filter({ hasText: "payment.failed" }).waitFor();
});

test("from a view that q doesn't filter, a condition leads to the search", async () => {
  const page = await open(`/audit?event=${id(failed)}`);
  const source = field(panelOf(page), "Source");
  await source.hover();
  await source.getByRole("button", { name: "Only source billing" }).click();
  await page.waitForURL((url) => url.pathname === "/");
  await has(page, { q: "source:billing", event: id(failed), from: "all" });
  await loaded(page);
});

test("raw JSON is what the server answers", async () => {
  const { page, panel } = await opened(failed);
  await panel.getByRole("tab", { name: "Raw JSON" }).click();
  await has(page, { tab: "raw" });
  const headers = { Authorization: `Bearer ${inject("key")}` };
  const answer = await (await fetch(`${inject("url")}/api/v1/events/${id(failed)}`, { headers })).text();
  expect(answer).toContain('"amount":1.30,"big":12345678901234567890');
  const shown = (await panel.getByRole("tabpanel").locator("pre").textContent()) ?? "";
  expect(shown).toContain('"amount": 1.30,\n    "big": 12345678901234567890,');
  expect(shown.indexOf('"2"')).toBeLessThan(shown.indexOf('"1"'));
  expect(JSON.parse(shown)).toEqual(JSON.parse(answer));
  await panel.getByRole("button", { name: "Copy", exact: true }).click();
  expect(await clipboard(page)).toBe(answer);
  const download = page.waitForEvent("download");
  await panel.getByRole("button", { name: "Download" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(`${id(failed)}.json`);
  expect(await readFile(await file.path(), "utf8")).toBe(answer);
  await page.reload();
  await panel.locator("pre").waitFor();
});

test("the link opens just this event, from anywhere", async () => {
  const { page } = await opened(failed, "&q=something&tab=chain");
  await page.locator(".event-panel[aria-busy=false]").waitFor();
  await page.keyboard.press("c");
  await page.getByText("Copied the link").waitFor();
  const link = await clipboard(page);
  const params = new URL(link).searchParams;
  expect(Object.fromEntries(params)).toEqual({
    event: id(failed),
    from: at(-59_000).replace(".000", ""),
    to: at(61_000).replace(".000", ""),
  });
  const other = await open(link, { key: inject("readerKey"), timezone: "Asia/Tokyo" });
  await panelOf(other).getByRole("heading", { name: "payment.failed" }).waitFor();
  await loaded(other);
  await rows(other).filter({ hasText: "payment.failed" }).first().waitFor();
  expect(await field(panelOf(other), "Time").textContent()).toContain("Asia/Tokyo");
});

test("the link of an admin of every tenant names the tenant", async () => {
  const { page, panel } = await opened(failed, `&tenant=${inject("tenant")}`, { key: inject("bootstrap") });
  await panel.getByRole("button", { name: "Copy link" }).click();
  expect(new URL(await clipboard(page)).searchParams.get("tenant")).toBe(inject("tenant"));
});

test("an event that is not there, and a server that doesn't answer", async () => {
  const page = await open(`/?${from()}&event=evt_nowhere`, {
    expected: [/status of 404/, /status of 500/, /ERR_FAILED/],
  });
  const panel = panelOf(page);
  await panel.getByText("There is no event with this id").waitFor();
  await panel.getByText(/older than the retention/).waitFor();
  await loaded(page);
  await accessible(page);
  await screenshot(page, "event-notfound");
  // It has been stored meanwhile.
  await page.route("**/api/v1/events/evt_nowhere", async (route) => {
    const answer = await route.fetch({ url: `${inject("url")}/api/v1/events/${id(failed)}` });
    await route.fulfill({ response: answer });
  });
  await panel.getByRole("button", { name: "Look again" }).click();
  await panel.getByRole("heading", { name: "payment.failed" }).waitFor();

  let broken = true;
  await page.route(`**/api/v1/events/${id(2)}`, (route) =>
    broken
      ? route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"detail":"the disk is full"}' })
      : route.continue(),
  );
  await page.goto(`/?${from()}&event=${id(2)}`);
  await panel.getByRole("alert").filter({ hasText: "the disk is full" }).waitFor();
  broken = false;
  await panel.getByRole("button", { name: "Try again" }).click();
  await panel.getByRole("heading", { name: "payment.received" }).waitFor();
});

test("who goes on before an event has come gets the next, and the call for the first ends", async () => {
  const { page, panel } = await opened(0, "&tab=chain");
  const timeline = panel.getByRole("list", { name: "Timeline of the chain" });
  await timeline.waitFor();
  let asked = () => {};
  const slow = new Promise<void>((done) => {
    asked = done;
  });
  await page.route(`**/api/v1/events/${id(1)}`, () => asked()); // Never answered.
  const cancelled = page.waitForEvent("requestfailed", (request) => request.url().endsWith(`/events/${id(1)}`));
  await timeline
    .getByRole("link", { name: /login\.success/ })
    .first()
    .click();
  await slow;
  await page.goBack();
  await cancelled;
  await panel.getByRole("heading", { name: "request.success" }).waitFor();
  await page.locator(".event-panel[aria-busy=false]").waitFor();
});

test("the keys of the panel are in the list of keys", async () => {
  const { page } = await opened(failed);
  await page.locator(".event-panel[aria-busy=false]").waitFor();
  await page.keyboard.press("?");
  for (const words of ["close the event", "copy the link to the event", "compare the event with another"])
    await page.getByRole("dialog").getByRole("row", { name: words }).waitFor();
});

test("the panel is made wider, and stays so", async () => {
  const { page, panel } = await opened(failed);
  const width = async () => (await panel.boundingBox())?.width ?? 0;
  const before = await width();
  const edge = panel.getByRole("separator", { name: "Width of the panel" });
  await edge.focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBe(before + 24);
  const box = await edge.boundingBox();
  await page.mouse.move((box?.x ?? 0) + 4, 400);
  await page.mouse.down();
  await page.mouse.move((box?.x ?? 0) + 4 - 100, 400);
  await page.mouse.up();
  await expect.poll(width).toBe(before + 124);
  await page.reload();
  await panel.getByRole("tabpanel").waitFor();
  expect(await width()).toBe(before + 124);
});
