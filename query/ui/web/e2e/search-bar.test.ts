import { expect, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { calls, has, loaded, rows } from "./events.ts";

const all = "/?from=now-7d";

test("names of fields are completed, and then their values", async () => {
  const page = await open(all);
  await loaded(page);
  const searches = calls(page, "/api/v1/events");
  const input = page.getByRole("combobox", { name: "Search" });
  await input.focus();
  await input.pressSequentially("payload.curr");
  const fields = page.getByRole("listbox", { name: "Fields" });
  await fields.getByRole("option", { name: /^payload\.currency/ }).waitFor();
  expect(await input.getAttribute("aria-expanded")).toBe("true");
  // Nothing is chosen until the arrows choose it.
  expect(await input.getAttribute("aria-activedescendant")).toBeNull();
  await input.press("ArrowDown");
  const active = await input.getAttribute("aria-activedescendant");
  expect(await page.locator(`[id="${active}"]`).textContent()).toContain("payload.currency");
  await accessible(page);
  await input.press("Enter");
  expect(await input.inputValue()).toBe("payload.currency:");

  const values = page.getByRole("listbox", { name: "Values of payload.currency" });
  await values.getByRole("option", { name: /^EUR/ }).waitFor();
  await screenshot(page, "search-completion");
  await input.pressSequentially("eu");
  await expect.poll(() => values.getByRole("option").count()).toBe(1);
  await input.press("Tab");
  expect(await input.inputValue()).toBe("payload.currency:EUR ");
  expect(searches).toEqual([]);
  await input.press("Enter");
  await has(page, { q: "payload.currency:EUR" });
  await rows(page).locator("mark", { hasText: /^EUR$/ }).first().waitFor();
});

test("completion is not in the way: Enter searches for what is written, Escape closes, the mouse chooses", async () => {
  const page = await open(all);
  await loaded(page);
  const input = page.getByRole("combobox", { name: "Search" });
  await input.focus();
  await input.pressSequentially("type");
  await page.getByRole("listbox").waitFor();
  await input.press("Enter");
  await has(page, { q: "type" });
  await page.getByRole("listbox").waitFor({ state: "detached" });

  await input.fill("typ");
  await page.getByRole("listbox").waitFor();
  await input.press("Escape");
  await page.getByRole("listbox").waitFor({ state: "detached" });
  expect(await input.evaluate((element) => document.activeElement === element)).toBe(true);
  await input.press("Escape");
  expect(await input.evaluate((element) => document.activeElement === element)).toBe(false);

  await input.fill("ty");
  await page.getByRole("option", { name: /^eventType/ }).click();
  expect(await input.inputValue()).toBe("eventType:");
  await input.pressSequentially("login.f");
  await page.getByRole("option", { name: /^login\.failed/ }).click();
  expect(await input.inputValue()).toBe("eventType:login.failed ");
  // In the middle of what is there already.
  await input.fill("a sev b");
  await input.evaluate((element: HTMLInputElement) => element.setSelectionRange(5, 5));
  await input.press("ArrowDown");
  await page.getByRole("option", { name: /^severity/ }).click();
  expect(await input.inputValue()).toBe("a severity: b");
});

test("a value is asked for once typing rests, and what is no longer wanted is called off", async () => {
  const page = await open(all);
  await loaded(page);
  const asked = calls(page, "/api/v1/events/values");
  const input = page.getByRole("combobox", { name: "Search" });
  await input.fill("type:");
  await page.getByRole("option", { name: /^login\.failed/ }).waitFor();
  expect(asked.map((query) => query.get("prefix"))).toEqual([null]);
  await input.pressSequentially("payment.f");
  await page.getByRole("option", { name: /^payment\.failed/ }).waitFor();
  await expect.poll(() => asked.at(-1)?.get("prefix")).toBe("payment.f");
  // Nine keys, and far fewer calls.
  expect(asked.length).toBeLessThan(5);
});

test("what holds now is shown as chips, and each can be taken out", async () => {
  const page = await open(
    "/?q=card+-type:login.failed+severity:(INFO+OR+ERROR)&preset=critical-billing-this-week&from=now-7d",
  );
  const chips = page.getByRole("list", { name: "Active filters" });
  await chips.getByRole("button", { name: "Take out the preset CRITICAL billing events this week" }).waitFor();
  expect(await chips.getByRole("button").allTextContents()).toEqual([
    "CRITICAL billing events this week✕",
    "card✕",
    "-type:login.failed✕",
    "severity:(INFO OR ERROR)✕",
  ]);
  await accessible(page);
  await chips.getByRole("button", { name: /preset/ }).click();
  await has(page, { preset: null });
  // The focus is at what took its place.
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe("card✕");
  await page.keyboard.press("Delete");
  await has(page, { q: "-type:login.failed severity:(INFO OR ERROR)" });
  await chips.getByRole("button", { name: "Take out severity:(INFO OR ERROR)" }).press("Backspace");
  await has(page, { q: "-type:login.failed" });
  expect(await page.getByRole("combobox", { name: "Search" }).inputValue()).toBe("-type:login.failed");
  await page.getByRole("button", { name: "Clear all" }).click();
  await has(page, { q: null, from: "now-7d" });
  await chips.waitFor({ state: "detached" });
});

test("alternatives are one chip", async () => {
  const page = await open("/?q=type:login.failed+OR+type:payment.failed&from=now-7d");
  const chips = page.getByRole("list", { name: "Active filters" }).getByRole("button");
  await loaded(page);
  expect(await chips.allTextContents()).toEqual(["type:login.failed OR type:payment.failed✕"]);
  await chips.click();
  await has(page, { q: null });
});

test("the forms of a search are explained", async () => {
  const page = await open(all);
  await loaded(page);
  await page.getByRole("button", { name: "How to write a search" }).click();
  await page.getByRole("cell", { name: "payload.amount:>100", exact: true }).waitFor();
  await accessible(page);
  await screenshot(page, "search-help");
});

test("a time is chosen by its name, in words", async () => {
  const page = await open("/");
  await page.getByRole("button", { name: "Time: Last 24 hours" }).click();
  const card = page.getByRole("dialog", { name: "Time" });
  await accessible(page);
  await screenshot(page, "search-time");
  await card.getByRole("button", { name: "Last 7 days" }).click();
  await card.waitFor({ state: "detached" });
  // It stays reckoned from now, for everybody who opens the address.
  await has(page, { from: "now-7d", to: null, tz: null });
  await page.getByRole("button", { name: "Time: Last 7 days" }).click();
  // Where a day begins depends on the zone: the address says which.
  await card.getByRole("button", { name: "Yesterday" }).click();
  await has(page, { from: "now-1d/d", to: "now/d", tz: "Europe/Prague" });
  await page.getByRole("button", { name: "Time: Yesterday" }).click();
  await card.getByRole("button", { name: "All that is retained" }).click();
  await has(page, { from: "all", to: null });
  await page.getByRole("button", { name: "Time: All that is retained" }).waitFor();
});

test("a time is exact to the second, in a zone", async () => {
  const page = await open(all);
  await loaded(page);
  await page.getByRole("button", { name: /^Time:/ }).click();
  const card = page.getByRole("dialog", { name: "Time" });
  const from = card.getByLabel("From", { exact: true });
  const to = card.getByLabel("To, not included", { exact: true });
  await from.fill("yesterday");
  await from.press("Enter");
  await card.getByRole("alert").filter({ hasText: "2026-04-17 14:32:01" }).waitFor();
  expect(await from.getAttribute("aria-invalid")).toBe("true");
  await from.fill("2026-11-20 14:32:01");
  await to.fill("2026-11-20 14:30:00");
  await to.press("Enter");
  await card.getByRole("alert").filter({ hasText: "after the beginning" }).waitFor();
  await to.fill("2026-11-20 15:00:00");
  await to.press("Enter");
  await has(page, { from: "2026-11-20T13:32:01Z", to: "2026-11-20T14:00:00Z" });
  await page.getByRole("button", { name: "Time: 2026-11-20 14:32:01 – 15:00:00" }).click();

  // The same instants, as clocks elsewhere show them.
  const zone = card.getByRole("combobox", { name: "Time zone" });
  await zone.fill("new york");
  await zone.press("Enter");
  await has(page, { tz: "America/New_York", from: "2026-11-20T13:32:01Z" });
  expect(await from.inputValue()).toBe("2026-11-20 08:32:01");
  await card.getByRole("button", { name: "UTC" }).click();
  await has(page, { tz: "UTC" });
  await zone.fill("nowhere");
  await card.getByText("There is no such zone").waitFor();
  await zone.press("Escape");
  await card.getByRole("button", { name: "Local" }).click();
  await has(page, { tz: null });
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Time: 2026-11-20 14:32:01 – 15:00:00" }).waitFor();
});
