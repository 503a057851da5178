import { beforeAll, expect, inject, test } from "vitest";
import { accessible, open } from "./browser.ts";
import { at, clipboard, failed, from, id, opened, panelOf, storeChain } from "./event-panel.ts";
import { correlation, has, loaded, stored } from "./events.ts";

beforeAll(storeChain);

test("the chain is a timeline over services", async () => {
  const { page, panel } = await opened(failed);
  await panel.getByRole("tab", { name: "Chain" }).click();
  await panel.getByText(/6 events of 3 services over 10 min/).waitFor();
  const services = await panel.getByRole("list", { name: "Services" }).getByRole("listitem").allTextContents();
  expect(services).toEqual([
    "api-gateway2 events, +0 ms to +1.3 s",
    "auth1 event, +3 ms",
    "billing3 events, +40 ms to +10 min",
  ]);
  const timeline = panel.getByRole("list", { name: "Timeline of the chain" });
  const steps = timeline.getByRole("listitem");
  expect((await steps.allTextContents()).map((text) => text.replaceAll(/\s+/g, " "))).toEqual([
    "1.3 s beforeINFO request.successapi-gateway · inv_1",
    "1.3 s beforeINFO login.successauth · inv_1",
    "1.3 s beforeINFO payment.receivedbilling · inv_1",
    "1.3 s passthis eventERROR payment.failedbilling · inv_1",
    "2 ms laterWARN request.errorapi-gateway · inv_1",
    "10 min pass10 min laterCRITICAL payment.receivedbilling · inv_1",
  ]);
  await timeline
    .getByRole("link", { name: /request\.error/ })
    .first()
    .click();
  await has(page, { event: id(4), tab: "chain" });
  await panel.getByRole("heading", { name: "request.error" }).waitFor();
  await panel.locator("[aria-current=true]").filter({ hasText: "request.error" }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H2");
  await page.goBack();
  await panel.getByRole("heading", { name: "payment.failed" }).waitFor();
});

test("what the actor did before and after, more of it on demand", async () => {
  const busy = { actorType: "USER", actorId: correlation() };
  await stored(
    Array.from({ length: 60 }, (_, i) => ({
      ...busy,
      eventId: `${busy.actorId}-${i}`,
      eventType: `step.n${i}`,
      createdAt: at(i * 1000),
      payload: {},
    })),
  );
  const page = await open(`/?${from()}&event=${busy.actorId}-30&tab=actor`);
  const panel = panelOf(page);
  const list = panel.getByRole("list", { name: "What the actor did" });
  await list.waitFor();
  expect(await list.getByRole("listitem").count()).toBe(41);
  await list.getByText("this event").waitFor();
  await panel.getByRole("button", { name: "Show what was earlier" }).click();
  await list.getByText("step.n0", { exact: true }).waitFor();
  await panel.getByRole("button", { name: "Show what was later" }).click();
  await list.getByText("step.n59", { exact: true }).waitFor();
  expect(await list.getByRole("listitem").count()).toBe(60);
  await list
    .getByRole("link", { name: /step\.n29/ })
    .first()
    .click();
  await has(page, { event: `${busy.actorId}-29`, tab: "actor" });
  await panel.getByRole("link", { name: "Search for all of it" }).click();
  await has(page, { q: `actorId:${busy.actorId} actorType:USER`, from: "all", event: null });
});

test("two events are compared, from the chain and by the address", async () => {
  const { page, panel } = await opened(5, "&tab=chain");
  await panel.getByRole("link", { name: "Compare with payment.received, 10 min before" }).click();
  await has(page, { compare: id(2), tab: null });
  const payload = panel.getByRole("region", { name: "Payload" });
  await payload.getByRole("row").nth(1).waitFor();
  const table = (await payload.getByRole("row").allTextContents()).map((text) => text.replaceAll(/\s+/g, " "));
  expect(table).toEqual([
    "ChangeMemberEarlier: The other eventLater: This event",
    "≠changedamount452455",
    '≠changedcurrency"USD""EUR"',
    '+addedtags[1]–"y"',
  ]);
  const members = panel.getByRole("region", { name: "Members" });
  expect(await members.getByRole("row").nth(1).textContent()).toBe('≠changedseverity"INFO""CRITICAL"');
  await panel.getByText(/^≠ ?3 changed/).waitFor();

  await panel.getByText("As JSON Patch").click();
  await panel.getByRole("button", { name: "Copy the patch" }).click();
  expect(JSON.parse(await clipboard(page))).toEqual([
    { op: "replace", path: "/amount", value: 455 },
    { op: "replace", path: "/currency", value: "EUR" },
    { op: "add", path: "/tags/1", value: "y" },
  ]);
  await panel.getByLabel("also what is the same").check();
  await payload.getByRole("rowheader", { name: "invoice" }).waitFor();

  await page.reload();
  await payload.getByRole("rowheader", { name: "amount" }).waitFor();
  await panel.getByRole("link", { name: "Open it" }).click();
  await has(page, { event: id(2), compare: id(5) });
  // Still from the earlier to the later one.
  await payload.getByRole("row", { name: /amount 452 455/ }).waitFor();
});

test("the event to compare with is chosen: the previous like it, an id, a link", async () => {
  const { page, panel } = await opened(5);
  await page.locator(".event-panel[aria-busy=false]").waitFor();
  await page.keyboard.press("d");
  await has(page, { tab: "compare" });
  await loaded(page);
  await accessible(page);
  await panel.getByRole("button", { name: "The previous of the same type by the same actor" }).click();
  await has(page, { compare: id(2) });
  await panel.getByRole("button", { name: "Choose another" }).click();
  await panel.getByLabel("Event id, or the link to an event").fill(`${inject("url")}/?event=${id(0)}&from=now-1d`);
  await panel.getByRole("button", { name: "Compare", exact: true }).click();
  await has(page, { compare: id(0) });
  await panel.getByRole("region", { name: "Members" }).getByRole("rowheader", { name: "eventType" }).waitFor();
  await panel.getByRole("button", { name: "Choose another" }).click();
  await panel.getByLabel("Event id, or the link to an event").fill(id(5));
  await panel.getByRole("button", { name: "Compare", exact: true }).click();
  await panel.getByText("This is the very event").waitFor();
});

test("there is none to compare with", async () => {
  const { page, panel } = await opened(0, "&tab=compare", { expected: [/status of 404/] });
  await panel.getByRole("button", { name: "The previous of the same type by the same actor" }).click();
  await panel.getByRole("alert").filter({ hasText: "There is none before this event" }).waitFor();
  await panel.getByLabel("Event id, or the link to an event").fill("evt_nowhere");
  await panel.getByRole("button", { name: "Compare", exact: true }).click();
  await panel.getByText("There is no other event with this id").waitFor();
  await has(page, { compare: "evt_nowhere" });
});
