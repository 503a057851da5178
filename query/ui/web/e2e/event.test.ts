import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";
import { beforeAll, expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { correlation, has, loaded, rows, stored } from "./events.ts";

const base = Date.parse(new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, ".000"));
const at = (ms: number) => new Date(base + ms).toISOString();

/** A payload with what is easily lost: digits, order, names that need escapes, characters that nobody sees. */
const exact = `{"amount":1.30,"big":12345678901234567890,"list":["a","b"],"2":"two","1":"one","on":true,"none":null,
  "customer":{"id":"cust_1","plan.name":"gold"},"lines":[{"sku":"s-1","qty":2}],"note":"declined\\u202e by \\"bank\\"",
  "long":"${"abcdefghi ".repeat(60)}"}`;

const actor = { actorType: "USER", actorId: correlation(), actorName: "Jane Doe", actorEmail: "jane@example.com" };
let chain = "";
const id = (n: number) => `${actor.actorId}-${n}`;

beforeAll(async () => {
  const steps: [ms: number, source: string, eventType: string, severity: string][] = [
    [0, "api-gateway", "request.success", "INFO"],
    [3, "auth", "login.success", "INFO"],
    [40, "billing", "payment.received", "INFO"],
    [1300, "billing", "payment.failed", "ERROR"],
    [1302, "api-gateway", "request.error", "WARN"],
    [600_000, "billing", "payment.received", "CRITICAL"],
  ];
  chain = await stored(
    steps.map(([ms, source, eventType, severity], i) => ({
      ...actor,
      eventId: id(i),
      createdAt: at(ms),
      source,
      eventType,
      severity,
      targetType: "INVOICE",
      targetId: "inv_1",
      ipAddress: "203.0.113.7",
      userAgent: "curl/8.9",
      region: { name: "eu", zones: [1, 2] },
      payload:
        eventType === "payment.failed"
          ? "PAYLOAD"
          : {
              amount: 450 + i,
              currency: i < 5 ? "USD" : "EUR",
              invoice: "inv_1",
              tags: ["x", "y"].slice(0, 1 + (i % 2)),
            },
    })),
    // Written by hand: JSON.stringify would lose what these tests are about.
    (text) => text.replace('"PAYLOAD"', exact),
  );
});

const failed = 3;
const from = () => `from=${encodeURIComponent(at(-60_000))}`;
const panelOf = (page: Page) => page.getByRole("complementary", { name: /^Event/ });

/** opened opens an event by its address, and returns its panel. */
async function opened(n: number, more = "", visit = {}): Promise<{ page: Page; panel: Locator }> {
  const page = await open(`/?${from()}&event=${id(n)}${more}`, visit);
  const panel = panelOf(page);
  await panel.getByRole("tabpanel").waitFor();
  return { page, panel };
}

function field(panel: Locator, label: string): Locator {
  return panel.locator(".event-field").filter({ has: panel.page().getByText(label, { exact: true }) });
}

const item = (panel: Locator, name: string | RegExp) => panel.getByRole("treeitem", { name });
const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

/** names are the accessible names of what a part of the page has of a role, as screen readers get them. */
async function names(part: Locator, role = "[a-z0-9]+"): Promise<string[]> {
  const lines = (await part.ariaSnapshot()).replaceAll("''", "'");
  const found = lines.matchAll(new RegExp(`- '?${role} ("(?:[^"\\\\]|\\\\.)*")`, "g"));
  return [...found].map(([, name]) => JSON.parse(name ?? ""));
}
const focused = async (page: Page) => (await names(page.locator(":focus")))[0];

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

test("the payload is a tree, by keyboard", async () => {
  const { page, panel } = await opened(failed);
  const tree = panel.getByRole("tree", { name: "Payload" });
  expect(await names(tree, "treeitem")).toEqual([
    "amount: 1.30",
    "big: 12345678901234567890",
    "list: 2 elements",
    '0: "a"',
    '1: "b"',
    '2: "two"',
    '1: "one"',
    "on: true",
    "none: null",
    "customer: 2 members",
    'id: "cust_1"',
    'plan.name: "gold"',
    "lines: 1 element",
    "0: 2 members",
    'sku: "s-1"',
    "qty: 2",
    expect.stringMatching(/^note: /),
    expect.stringMatching(/^long: .*… 300 more characters$/),
  ]);
  await item(tree, "amount: 1.30").focus();
  const press = async (key: string, lands: string) => {
    await page.keyboard.press(key);
    expect(await focused(page), key).toBe(lands);
  };
  await press("ArrowDown", "big: 12345678901234567890");
  await press("ArrowUp", "amount: 1.30");
  await page.keyboard.press("End");
  expect(await focused(page)).toMatch(/^long/);
  await press("Home", "amount: 1.30");
  await press("ArrowDown", "big: 12345678901234567890");
  await press("ArrowDown", "list: 2 elements");
  await press("ArrowRight", '0: "a"');
  await press("ArrowLeft", "list: 2 elements");
  await press("ArrowLeft", "list: 2 elements");
  expect(await item(tree, /^list/).getAttribute("aria-expanded")).toBe("false");
  expect(await item(tree, '0: "a"').count()).toBe(0);
  await press("Enter", "list: 2 elements");
  expect(await item(tree, /^list/).getAttribute("aria-expanded")).toBe("true");
  expect(await item(tree, '1: "b"').getAttribute("aria-level")).toBe("2");

  await panel.getByRole("button", { name: "Fold all: Payload", exact: true }).click();
  expect(await tree.getByRole("treeitem").count()).toBe(11);
  await item(tree, "amount: 1.30").focus();
  await page.keyboard.press("*");
  await item(tree, "0: 2 members").waitFor();
  await panel.getByRole("button", { name: "Unfold all: Payload" }).click();
  await item(tree, "qty: 2").waitFor();

  // The tab key goes to what can be done with the value.
  await item(tree, "big: 12345678901234567890").focus();
  await press("Tab", "Only payload.big 12345678901234567890");
  await press("Tab", "Not payload.big 12345678901234567890");
  await press("Tab", "Copy the path payload.big");
  await press("Tab", "Copy the value of payload.big");
  await page.keyboard.press("Enter");
  expect(await clipboard(page)).toBe("12345678901234567890");
});

test("values of the payload: copied exactly, paths as q writes them, searched for", async () => {
  const { page, panel } = await opened(failed, `&q=correlationId:${chain}`);
  const tree = panel.getByRole("tree", { name: "Payload" });
  const act = async (name: string | RegExp, button: RegExp) => {
    await item(tree, name).hover();
    await item(tree, name).getByRole("button", { name: button }).click();
  };
  await act("amount: 1.30", /Copy the value/);
  expect(await clipboard(page)).toBe("1.30");
  await act(/^note/, /Copy the value/);
  expect(await clipboard(page)).toBe('declined\u202e by "bank"');
  await act("lines: 1 element", /Copy the value/);
  expect(await clipboard(page)).toBe('[{"sku":"s-1","qty":2}]');
  await act('plan.name: "gold"', /Copy the path/);
  expect(await clipboard(page)).toBe("payload.customer.plan\\.name");

  for (const [name, condition, found] of [
    ["amount: 1.30", "payload.amount:1.30", 1],
    ['plan.name: "gold"', "payload.customer.plan\\.name:gold", 1],
    ['0: "a"', "payload.list:a", 1],
    ['sku: "s-1"', '"s-1"', 1],
    ["none: null", "-payload.none:*", 6],
  ] as const) {
    await act(name, /^Only/);
    await has(page, { q: `correlationId:${chain} ${condition}` });
    await page.getByText(`${found} event${found === 1 ? "" : "s"}`, { exact: true }).waitFor();
    await act(name, /^Only/);
    await has(page, { q: `correlationId:${chain}` });
  }
  await act("amount: 1.30", /^Not/);
  await page.getByText("5 events", { exact: true }).waitFor();
});

test("long texts are folded, and what nobody would see is shown", async () => {
  const { panel } = await opened(failed);
  await item(panel, /^note/).getByText('declined\ufffd by "bank"').waitFor();
  const long = item(panel, /^long/);
  await long.getByRole("button", { name: "300 more characters" }).click();
  await long.getByRole("button", { name: "less" }).waitFor();
  expect(((await long.textContent()) ?? "").length).toBeGreaterThan(600);
  await long.getByRole("button", { name: "less" }).click();
  await long.getByRole("button", { name: "300 more characters" }).waitFor();
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

test("a payload of a megabyte and one 60 deep unfold", async () => {
  const big = correlation();
  const list = Array.from({ length: 12_500 }, (_, i) => ({ i, name: `entry ${i}`, share: i / 7 }));
  const text = "x".repeat(300_000);
  const deep = `${'{"down":'.repeat(59)}"bottom"${"}".repeat(59)}`;
  await stored(
    [
      { eventId: big, eventType: "big.payload", payload: { list, text } },
      { eventId: `${big}-deep`, eventType: "deep.payload", payload: "PAYLOAD" },
    ],
    (body) => body.replace('"PAYLOAD"', deep),
  );
  const page = await open(`/?from=now-1h&event=${big}`);
  const panel = panelOf(page);
  await item(panel, "list: 12,500 elements").waitFor();
  await item(panel, "elements 10000 to 12499").click();
  await item(panel, "elements 12400 to 12499").click();
  await item(panel, "12499: 3 members").click();
  await item(panel, 'name: "entry 12499"').waitFor();
  expect(await panel.getByRole("treeitem").count()).toBeLessThan(250);
  await item(panel, /^text/).getByRole("button", { name: "299,700 more characters" }).click();
  await item(panel, /^text/).getByRole("button", { name: "290,000 more characters" }).waitFor();
  await panel.getByRole("button", { name: "Unfold all: Payload" }).click();
  await page.getByText("The first 3000 rows are unfolded").waitFor();
  await panel.getByRole("button", { name: "Fold all: Payload", exact: true }).click();
  await expect.poll(() => panel.getByRole("treeitem").count()).toBe(2);
  await panel.getByRole("tab", { name: "Raw JSON" }).click();
  await panel.getByRole("button", { name: /^Show more: .* are left/ }).click();
  expect(((await panel.locator("pre").textContent()) ?? "").length).toBeGreaterThan(90_000);

  await page.goto(`/?from=now-1h&event=${big}-deep`);
  await item(panel, 'down: "bottom"').waitFor();
  expect(await item(panel, 'down: "bottom"').getAttribute("aria-level")).toBe("59");
  const box = await item(panel, 'down: "bottom"').getByText("bottom").boundingBox();
  expect((box?.x ?? 9999) + (box?.width ?? 0)).toBeLessThan(1280);
  await screenshot(page, "event-deep");
  await item(panel, "down: 1 member").first().click();
  await expect.poll(() => panel.getByRole("treeitem").count()).toBe(1);
});

test("what matched is marked", async () => {
  const { panel } = await opened(
    failed,
    `&q=${encodeURIComponent(`correlationId:${chain} DECLINED sku payload.amount:>1`)}`,
  );
  await item(panel, /^note/).locator("mark").filter({ hasText: "declined" }).waitFor();
  expect(await panel.locator("mark").allTextContents()).toEqual([chain, "1.30", "sku", "declined"]);
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

for (const theme of ["light", "dark"] as const)
  test(`each part of it, in the ${theme}`, async () => {
    const { page, panel } = await opened(failed, "&q=declined", { dark: theme === "dark", width: 1400 });
    await panel.locator("mark").first().waitFor();
    await loaded(page);
    await item(panel, "amount: 1.30").focus();
    await accessible(page);
    await screenshot(page, `event-${theme}`);
    for (const [tab, shown] of [
      ["Raw JSON", /indented here/],
      ["Chain", /6 events of 3 services/],
      ["Actor", /did around this event/],
    ] as const) {
      await panel.getByRole("tab", { name: tab }).click();
      await panel.getByText(shown).waitFor();
      await accessible(page);
      await screenshot(page, `event-${tab.split(" ")[0]?.toLowerCase()}-${theme}`);
    }
    await page.goto(`/?${from()}&event=${id(5)}&compare=${id(2)}`);
    await panel.getByRole("rowheader", { name: "currency" }).waitFor();
    await panel.getByText("As JSON Patch").click();
    await loaded(page);
    await accessible(page);
    await screenshot(page, `event-compare-${theme}`);
  });

test("on a small screen the panel covers the list, and nothing below it is reached", async () => {
  const { page, panel } = await opened(failed, "", { width: 400, height: 800 });
  const box = await panel.boundingBox();
  expect(box).toMatchObject({ x: 0, y: 0, width: 400, height: 800 });
  await accessible(page);
  await screenshot(page, "event-400");
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(
      () => document.activeElement === document.body || document.activeElement?.closest(".event-panel") !== null,
    );
    expect(inside).toBe(true);
  }
  for (const [tab, shown] of [
    ["Chain", /6 events of 3 services/],
    ["Actor", /did around this event/],
    ["Compare", /Choose the event/],
  ] as const) {
    await panel.getByRole("tab", { name: tab }).click();
    await panel.getByText(shown).waitFor();
    await screenshot(page, `event-${tab.toLowerCase()}-400`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
  }
  await panel.getByRole("button", { name: "Close the event" }).click();
  await panel.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Live", exact: true }).click();
  await page.waitForURL(/\/live/);
});
