import { beforeAll, expect, test } from "vitest";
import { accessible, screenshot } from "./browser.ts";
import { failed, from, id, item, opened, storeChain } from "./event-panel.ts";
import { loaded } from "./events.ts";

beforeAll(storeChain);

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
