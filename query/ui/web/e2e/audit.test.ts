import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";

for (const theme of ["light", "dark"] as const)
  test(`who did what, in the ${theme}`, async () => {
    const page = await open("/audit", { dark: theme === "dark" });
    await page.getByRole("region", { name: "Records" }).waitFor();
    await page.getByRole("complementary", { name: "By type" }).getByRole("listitem").first().waitFor();
    await accessible(page);
    await screenshot(page, `audit-${theme}`);
  });

test("pages, types and users narrow it, and the address has it all", async () => {
  const page = await open("/audit");
  const records = page.getByRole("region", { name: "Records" });
  const rows = records.getByRole("row");
  await records.waitFor();
  expect(await rows.count()).toBe(51); // With the head.
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText(/^51–100 of /).waitFor();
  expect(new URL(page.url()).searchParams.get("page")).toBe("2");
  await page.goBack();
  await page.getByText(/^1–50 of /).waitFor();

  const types = page.getByRole("complementary", { name: "By type" });
  await types.getByRole("link", { name: /^login\.failed/ }).click();
  await page.waitForURL(/type=login\.failed/);
  const shown = () => records.getByRole("row").locator("td:nth-child(3)").allTextContents();
  await expect.poll(async () => [...new Set(await shown())]).toEqual(["login.failed"]);

  const user = records.getByRole("row").nth(1).getByRole("link").nth(1);
  await user.click();
  await page.waitForURL(/user=/);
  const id = new URL(page.url()).searchParams.get("user") ?? "";
  expect(await page.getByLabel("User id").inputValue()).toBe(id);
  await page.reload();
  await records.waitFor();
  await page.getByRole("button", { name: "Show everything" }).click();
  await page.waitForURL((url) => url.search === "");
});

test("a record opens whole", async () => {
  const page = await open("/audit");
  await page.getByRole("region", { name: "Records" }).getByRole("row").nth(1).getByRole("link").first().click();
  await page.waitForURL(/event=/);
  await page.getByRole("complementary", { name: /event/i }).waitFor();
});

test("nothing found says what to do", async () => {
  const page = await open("/audit?user=nobody-of-this-name");
  await page.getByText("Nothing is recorded here").waitFor();
});

test("who may not read it has no way to it", async () => {
  const page = await open("/audit", { key: inject("readerKey") });
  await page.getByText("Your key may not open Audit").waitFor();
});
