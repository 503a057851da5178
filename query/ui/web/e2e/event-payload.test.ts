import { beforeAll, expect, test } from "vitest";
import { open, screenshot } from "./browser.ts";
import { chain, clipboard, failed, focused, item, names, opened, panelOf, storeChain } from "./event-panel.ts";
import { correlation, has, stored } from "./events.ts";

beforeAll(storeChain);

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
