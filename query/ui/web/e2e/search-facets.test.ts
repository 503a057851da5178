import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { counted, has, loaded, stored } from "./events.ts";

const all = "/?from=now-7d";
const facet = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

test("a click on a value includes it, a second one is an alternative, and both go again", async () => {
  const page = await open(all);
  await loaded(page);
  const type = facet(page, "Type");
  await type.getByRole("button", { name: /^login\.failed/ }).click();
  await has(page, { q: "eventType:login.failed" });
  await type.getByRole("button", { name: /^login\.failed/, pressed: true }).waitFor();
  // The others are still there to be chosen, with what they would find.
  await type.getByRole("button", { name: /^login\.success/ }).click();
  await has(page, { q: "eventType:(login.failed OR login.success)" });
  const both = await counted(`from=now-7d&q=${encodeURIComponent("type:(login.failed OR login.success)")}`);
  await page.getByText(`${both.toLocaleString("en")} events`, { exact: true }).waitFor();
  await accessible(page);
  await screenshot(page, "search-facets");
  await type.getByRole("button", { name: /^login\.failed/ }).click();
  await has(page, { q: "eventType:login.success" });
  await type.getByRole("button", { name: /^login\.success/ }).click();
  await has(page, { q: null });
});

test("Alt and the button beside it leave a value out", async () => {
  const page = await open(all);
  await loaded(page);
  const type = facet(page, "Type");
  await type.getByRole("button", { name: /^request\.success/ }).click({ modifiers: ["Alt"] });
  await has(page, { q: "-eventType:request.success" });
  const rest = await counted("from=now-7d&q=-type:request.success");
  await page.getByText(`${rest.toLocaleString("en")} events`, { exact: true }).waitFor();
  await facet(page, "Category").getByRole("button", { name: "Leave out auth" }).click();
  await has(page, { q: "-eventType:request.success -category:auth" });
  // What is left out can be had back where it stands.
  await type.getByRole("button", { name: "Leave out request.success", pressed: true }).click();
  await has(page, { q: "-category:auth" });
});

test("facets of payloads are added and taken out, and say what has no value", async () => {
  const id = await stored([
    { eventType: "test.a", payload: { shade: "light blue" } },
    { eventType: "test.b", payload: { shade: "dark" } },
    { eventType: "test.c", payload: {} },
  ]);
  const page = await open(`${all}&q=correlation:${id}`);
  await loaded(page);
  const add = page.getByRole("combobox", { name: "Add a facet" });
  await add.fill("shade");
  await page.getByRole("option", { name: /^payload\.shade/ }).click();
  const shade = facet(page, "shade");
  await shade.getByRole("button", { name: /^light blue/ }).waitFor();
  await accessible(page);
  expect(new URL(page.url()).searchParams.getAll("facet").at(-1)).toBe("payload.shade");
  await shade.getByRole("button", { name: /^has none/ }).click();
  await has(page, { q: `correlation:${id} -payload.shade:*` });
  await page.getByText("1 event", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Take out -payload.shade:*" }).click();
  await shade.getByRole("button", { name: /^light blue/ }).click();
  await has(page, { q: `correlation:${id} payload.shade:"light blue"` });
  await page.getByText("1 event", { exact: true }).waitFor();
  await shade.getByRole("button", { name: "Take out the facet shade" }).click();
  await shade.waitFor({ state: "detached" });
  await has(page, { facet: null });

  const target = facet(page, "Target type");
  await target.getByRole("button", { name: /^Target type/ }).click();
  await has(page, { folded: "targetType" });
  expect(await target.getByRole("listitem").count()).toBe(0);
});

test("a facet shows more values where it has them", async () => {
  const page = await open(all);
  await loaded(page);
  const type = facet(page, "Type");
  await type.getByRole("listitem").nth(7).waitFor();
  expect(await type.getByRole("listitem").count()).toBe(8);
  await type.getByRole("button", { name: /more values/ }).click();
  await type.getByRole("listitem").nth(8).waitFor();
  await type.getByRole("button", { name: "Fewer" }).waitFor();
});

test("the panel of facets is put away, and the address keeps it", async () => {
  const page = await open(all);
  await loaded(page);
  await page.getByRole("complementary", { name: "Facets" }).waitFor();
  await page.keyboard.press("f");
  await page.getByRole("complementary", { name: "Facets" }).waitFor({ state: "detached" });
  await has(page, { side: "none" });
  await page.getByRole("button", { name: "Facets", pressed: false }).click();
  await page.getByRole("complementary", { name: "Facets" }).waitFor();
});

test("a drag over the histogram narrows the time, and zooming out widens it", async () => {
  const page = await open(all);
  await loaded(page);
  const chart = page.getByRole("slider", { name: /^Time/ });
  await expect.poll(() => chart.getAttribute("aria-valuemax")).not.toBe("0");
  const box = (await chart.boundingBox()) as { x: number; y: number; width: number; height: number };
  const at = (share: number) => [box.x + box.width * share, box.y + box.height / 2] as const;
  await page.mouse.move(...at(0.3));
  await page.mouse.down();
  await page.mouse.move(...at(0.5), { steps: 4 });
  await screenshot(page, "search-drag");
  await page.mouse.up();
  await page.waitForURL(/to=2/);
  const { searchParams } = new URL(page.url());
  const [from, to] = [searchParams.get("from") ?? "", searchParams.get("to") ?? ""];
  const hours = (Date.parse(to) - Date.parse(from)) / 3_600_000;
  // A fifth of seven days, in whole hours.
  expect(Math.abs(hours - 33.6)).toBeLessThan(2.5);
  const inside = await counted(`from=${from}&to=${to}`);
  await page.getByText(`${inside.toLocaleString("en")} events`, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Zoom out" }).click();
  await page.waitForURL((url) => url.searchParams.get("from") !== from);
  const wider = new URL(page.url()).searchParams;
  expect((Date.parse(wider.get("to") ?? "") - Date.parse(wider.get("from") ?? "")) / 3_600_000).toBeCloseTo(
    2 * hours,
    1,
  );
  await page.goBack();
  await has(page, { from, to });
});

test("the histogram is read and narrowed by keyboard", async () => {
  const page = await open(all);
  await loaded(page);
  const chart = page.getByRole("slider", { name: /^Time/ });
  await expect.poll(() => chart.getAttribute("aria-valuemax")).not.toBe("0");
  await page.getByRole("button", { name: "Table" }).focus();
  await page.keyboard.press("Tab");
  expect(await chart.evaluate((element) => document.activeElement === element)).toBe(true);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  expect(await chart.getAttribute("aria-valuetext")).toMatch(/^2\d\d\d-\d\d-\d\d \d\d:00:00 – .*: .*(events|INFO)/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/to=2/);
  const { searchParams } = new URL(page.url());
  expect(Date.parse(searchParams.get("to") ?? "") - Date.parse(searchParams.get("from") ?? "")).toBe(3 * 3_600_000);
});

test("severities narrow the search, and their counts are a table for who would rather read", async () => {
  const page = await open(all);
  await loaded(page);
  const legend = page.getByRole("list", { name: "Severities" });
  await legend.getByRole("button", { name: /^ERROR/ }).click();
  await has(page, { q: "severity:ERROR" });
  const errors = await counted("from=now-7d&severity=ERROR");
  await page.getByText(`${errors.toLocaleString("en")} events`, { exact: true }).waitFor();
  await legend.getByRole("button", { name: /^ERROR/, pressed: true }).click();
  await has(page, { q: null });
  await legend.getByRole("button", { name: /^INFO/ }).click({ modifiers: ["Alt"] });
  await has(page, { q: "-severity:INFO" });
  await legend.getByRole("button", { name: `ERROR ${errors.toLocaleString("en")}` }).waitFor();
  await page.getByRole("button", { name: "Table" }).click();
  const cells = page.getByRole("table").getByRole("row").locator("td:nth-child(4)");
  await cells.first().waitFor();
  const sum = (await cells.allTextContents()).reduce((all, text) => all + Number(text.replaceAll(",", "")), 0);
  expect(sum).toBe(errors);
  await accessible(page);
});
