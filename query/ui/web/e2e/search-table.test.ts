import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { ask, calls, correlation, counted, has, loaded, rows, stored } from "./events.ts";

const all = "/?from=now-7d";

test("more events come as one scrolls, each once, to the last", async () => {
  const page = await open("/?from=now-7d&cols=eventId&q=type:request.success&side=none");
  await loaded(page);
  const pages = calls(page, "/api/v1/events");
  const total = await counted("from=now-7d&q=type:request.success");
  const grid = page.getByRole("grid", { name: "Events" });
  const seen = new Map<string, string>();
  const lowest = () => grid.evaluate((element) => Math.floor(element.scrollHeight - element.clientHeight));
  const done = page.getByText(`All ${total.toLocaleString("en")} are loaded`);
  for (let wanted = 0; ; ) {
    // What is at the lower edge of the screen then has to be painted first: what is in the middle may have been before.
    const { at, lower } = await grid.evaluate((element, top) => {
      element.scrollTo(0, top);
      const height =
        element.querySelector("[aria-rowindex]:not([aria-rowindex='1'])")?.getBoundingClientRect().height ?? 30;
      const lower = Math.floor(Math.min(element.scrollTop + element.clientHeight, element.scrollHeight) / height - 2);
      return { at: element.scrollTop, lower };
    }, wanted);
    await grid.locator(`[aria-rowindex='${lower + 1}']`).waitFor();
    const shown = await rows(page).evaluateAll((list) =>
      list.map((row) => [row.getAttribute("aria-rowindex") ?? "", row.textContent ?? ""] as const),
    );
    // Only what is seen is there, however many are loaded.
    expect(shown.length).toBeLessThan(80);
    for (const [index, id] of shown) {
      expect(seen.get(index) ?? id).toBe(id);
      seen.set(index, id);
    }
    // Where the end was reached before more came, it goes on from there.
    if (at < wanted && (await done.isVisible()) && at >= (await lowest())) break;
    wanted = at + 500;
  }
  expect(new Set(seen.values()).size).toBe(total);
  expect(pages.every((query) => query.get("cursor"))).toBe(true);
  expect(Number(await grid.getAttribute("aria-rowcount"))).toBe(total + 1);
}, 120_000);

test("more can be loaded by a button", async () => {
  const page = await open(all);
  await loaded(page);
  await page.getByText("40 loaded").waitFor();
  await page.getByRole("button", { name: "Load more" }).click();
  await page.getByText("540 loaded").waitFor();
});

test("newest or oldest comes first", async () => {
  const page = await open(`${all}&q=severity:CRITICAL&cols=eventId`);
  await loaded(page);
  const first = async (order: string) =>
    (
      await ask<{ events: { eventId: string }[] }>(
        `/api/v1/events?from=now-7d&q=severity:CRITICAL&limit=1&order=${order}`,
      )
    ).events[0]?.eventId ?? "";
  await rows(page)
    .first()
    .getByText(await first("desc"))
    .waitFor();
  await page.getByRole("button", { name: "Newest first" }).click();
  await has(page, { order: "asc" });
  await rows(page)
    .first()
    .getByText(await first("asc"))
    .waitFor();
  await page.keyboard.press("o");
  await has(page, { order: null });
  await rows(page)
    .first()
    .getByText(await first("desc"))
    .waitFor();
});

test("columns are added, moved and taken out, of payloads too", async () => {
  const id = await stored([
    { eventType: "test.paid", payload: { amount: 450.5, customer: { id: "cust_1" }, tags: ["a", "b"] } },
  ]);
  const page = await open(`${all}&q=correlation:${id}`);
  await loaded(page);
  const headings = page.getByRole("grid").getByRole("columnheader");
  await page.getByRole("button", { name: "Columns" }).click();
  const card = page.getByRole("dialog", { name: "Columns" });
  for (const name of ["Source", "Actor", "Target", "Payload"])
    await card.getByRole("button", { name: `Take out ${name}`, exact: true }).click();
  await card.getByRole("combobox", { name: "Add a column" }).fill("cust");
  await card.getByRole("option", { name: /^payload\.customer\.id/ }).click();
  await card.getByRole("combobox", { name: "Add a column" }).fill("tags");
  await card.getByRole("option", { name: /^payload\.tags/ }).click();
  await accessible(page);
  await screenshot(page, "search-columns");
  await card.getByRole("button", { name: "Move tags to the left" }).click();
  await expect.poll(() => headings.allTextContents()).toEqual(["Time ↓", "Severity", "Type", "tags", "customer.id"]);
  expect(new URL(page.url()).searchParams.getAll("cols")).toEqual([
    "createdAt",
    "severity",
    "eventType",
    "payload.tags",
    "payload.customer.id",
  ]);
  const cells = rows(page).first().getByRole("gridcell");
  expect((await cells.allTextContents()).slice(2)).toEqual(["test.paid", "a, b", "cust_1"]);
  await card.getByRole("radio", { name: "Roomy" }).check();
  await has(page, { density: "roomy" });
  await expect.poll(async () => (await rows(page).first().boundingBox())?.height).toBe(40);
  await card.getByRole("button", { name: "The usual columns" }).click();
  await expect.poll(() => headings.last().textContent()).toBe("Payload");
});

test("what matched is marked where it is, and comes first in the payload", async () => {
  const id = await stored([
    {
      eventType: "test.note",
      actorId: "jane@example.com",
      payload: {
        first: "nothing",
        lines: [{ unit: "GB" }, { unit: "😀 Stück" }],
        text: `${"long ".repeat(100)}needle`,
      },
    },
  ]);
  const page = await open(`${all}&q=correlation:${id}+stück+needle+actor:jane*`);
  await loaded(page);
  const row = rows(page).first();
  const payload = row.getByRole("gridcell").last();
  expect(await row.locator("mark").allTextContents()).toEqual(["jane", "Stück", "needle"]);
  expect(await payload.textContent()).toMatch(/^lines\.1\.unit 😀 Stück {2}text ….*needle {2}first nothing/);
});

test("a payload is shown as it was sent: numbers with their digits, in one line", async () => {
  const exact = '{"amount": 450.00, "big": 12345678901234567890, "trace": "a\\nb\\tc"}';
  const id = correlation();
  // As text: JSON.stringify would write the numbers otherwise.
  const answer = await fetch(`${inject("url")}/api/v1/events`, {
    method: "POST",
    headers: { Authorization: `Bearer ${inject("key")}`, "Content-Type": "application/json" },
    body: `{"eventType": "test.exact", "correlationId": "${id}", "payload": ${exact}}`,
  });
  expect(answer.status).toBe(202);
  await expect.poll(() => counted(`correlationId=${id}`), { timeout: 20_000 }).toBe(1);
  const page = await open(`${all}&q=correlation:${id}+payload.amount:450`);
  await loaded(page);
  const row = rows(page).first();
  expect(await row.getByRole("gridcell").last().textContent()).toBe(
    "amount 450.00  big 12345678901234567890  trace a↵b c",
  );
  expect(await row.locator("mark").last().textContent()).toBe("450.00");
  expect((await row.boundingBox())?.height).toBe(30);
});

test("by keyboard one goes through events, opens them, and leaves their type out", async () => {
  const events = ["a", "b", "c"].map((name) => ({ eventType: `test.${name}`, payload: {} }));
  const id = await stored(events);
  const page = await open(`${all}&q=correlation:${id}&order=asc`);
  await loaded(page);
  const grid = page.getByRole("grid", { name: "Events" });
  const types = await rows(page)
    .getByRole("gridcell")
    .filter({ hasText: /^test\.[abc]$/ })
    .allTextContents();
  const at = async () => {
    const active = await grid.getAttribute("aria-activedescendant");
    return active === null ? "" : await page.locator(`[id="${active}"] > :nth-child(3)`).textContent();
  };
  await page.keyboard.press("j");
  await expect.poll(at).toBe(types[0]);
  await page.keyboard.press("ArrowDown");
  await expect.poll(at).toBe(types[1]);
  await page.keyboard.press("k");
  await expect.poll(at).toBe(types[0]);
  await page.keyboard.press("G");
  await expect.poll(at).toBe(types[2]);
  await page.keyboard.press("g");
  await expect.poll(at).toBe(types[0]);

  await page.keyboard.press("e");
  const panel = page.getByRole("complementary", { name: /^Event test/ });
  await panel.getByRole("heading", { name: types[0] as string }).waitFor();
  await screenshot(page, "search-event");
  // The panel goes along.
  await page.keyboard.press("j");
  await panel.getByRole("heading", { name: types[1] as string }).waitFor();
  await page.goBack();
  await panel.waitFor({ state: "detached" });

  await grid.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await panel.getByRole("heading", { name: types[1] as string }).waitFor();
  await page.keyboard.press("x");
  await has(page, { q: `correlation:${id} -eventType:${types[1]}` });
  await page.getByText("2 events", { exact: true }).waitFor();

  const searches = calls(page, "/api/v1/events");
  await page.keyboard.press("r");
  await expect.poll(() => searches.length).toBe(1);
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keys" });
  for (const key of ["j", "e", "x", "g", "r", "/"]) await list.getByText(key, { exact: true }).first().waitFor();
});

test("a click opens an event, and the address leads back to it", async () => {
  const page = await open(`${all}&q=severity:CRITICAL`);
  await loaded(page);
  await rows(page).nth(2).click();
  await page.getByRole("complementary", { name: /^Event / }).waitFor();
  await page.reload();
  await loaded(page);
  await page.getByRole("complementary", { name: /^Event / }).waitFor();
  expect(await rows(page).nth(2).getAttribute("aria-selected")).toBe("true");
  await accessible(page);
});
