import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";

test("the three of the start are there and open in each view", async () => {
  const page = await open("/presets");
  for (const name of ["All auth failures today", "CRITICAL billing events this week", "My API key activity"])
    await page.getByRole("rowheader", { name }).waitFor();
  await accessible(page);
  await screenshot(page, "presets-light");
  for (const [view, path] of [
    ["Search", "/"],
    ["Live", "/live"],
    ["Analysis", "/analysis"],
  ]) {
    await page.goto("/presets");
    await page.getByRole("link", { name: `Open “CRITICAL billing events this week” in ${view}` }).click();
    expect(new URL(page.url()).pathname).toBe(path);
    expect(new URL(page.url()).searchParams.get("preset")).toBe("critical-billing-this-week");
    await page.getByRole("link", { name: view as string, exact: true, includeHidden: false }).waitFor();
  }
});

test("in the dark nothing is hard to read", async () => {
  const page = await open("/presets", { dark: true });
  await page.getByRole("rowheader", { name: "All auth failures today" }).waitFor();
  await accessible(page);
  await screenshot(page, "presets-dark");
});

test("a filter is saved, shared, renamed, opened by its link, made the default, and deleted", async () => {
  const page = await open("/?q=severity%3AERROR%2B&from=now-7d", { expected: [/status of 409/] });
  await page.getByRole("button", { name: "Presets" }).click();
  await page.getByRole("menuitem", { name: "Save this filter" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("What is on fire");
  expect(await dialog.getByLabel("q", { exact: true }).inputValue()).toBe("severity:ERROR+");
  expect(await dialog.getByLabel("from", { exact: true }).inputValue()).toBe("now-7d");
  await dialog.getByLabel("Share it").check();
  await accessible(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  const id = new URL(page.url()).searchParams.get("preset") ?? "";
  expect(id).not.toBe("");

  // Somebody else of the tenant opens the link.
  const other = await open(`/?preset=${id}`, { key: inject("readerKey") });
  await other.getByText("What is on fire").first().waitFor();

  await page.goto("/presets");
  await page.getByRole("button", { name: "Change “What is on fire”" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("All auth failures today");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").getByRole("alert").filter({ hasText: "name" }).waitFor();
  await page.getByRole("dialog").getByLabel("Name").fill("What burns");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("rowheader", { name: "What burns" }).waitFor();

  await page.getByRole("button", { name: "Default: start with “What burns”" }).click();
  await page.goto("/");
  await page.waitForURL((url) => url.searchParams.get("preset") === id);
  await page.goto("/presets");
  await page.getByRole("button", { name: "Default: start with “What burns”", pressed: true }).click();
  await page.goto("/");
  await page.getByRole("link", { name: "Search", exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe("");

  await page.goto("/presets");
  await page.getByRole("button", { name: "Delete “What burns”" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("rowheader", { name: "What burns" }).waitFor({ state: "detached" });
}, 90_000);

test("two people change a preset: the second is told", async () => {
  const expected = [/status of 412/];
  const page = await open("/?q=a&from=now-1h", { expected });
  await page.getByRole("button", { name: "Presets" }).click();
  await page.getByRole("menuitem", { name: "Save this filter" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Contested");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.goto("/presets");
  await page.getByRole("button", { name: "Change “Contested”" }).click();
  const second = await page.context().newPage();
  await second.goto("/presets");
  await second.getByRole("button", { name: "Change “Contested”" }).click();
  await second.getByRole("dialog").getByLabel("Name").fill("Contested by another");
  await second.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await second.getByRole("rowheader", { name: "Contested by another" }).waitFor();
  await page.getByRole("dialog").getByLabel("Name").fill("Mine");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "Somebody else has changed this preset" }).waitFor();
});
