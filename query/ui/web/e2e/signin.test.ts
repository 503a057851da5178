import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";

const refused = [/status of 401/];

test("a key signs in, and the browser keeps no key", async () => {
  const page = await open("/", { key: null, expected: refused });
  await page.getByLabel("API key").fill("dbk_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "unknown" }).waitFor();
  await page.getByLabel("API key").fill(inject("key"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Search", exact: true }).waitFor();
  const cookies = await page.context().cookies();
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Strict" }]);
  expect(cookies[0]?.value).not.toContain(inject("key"));
  expect(
    await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])),
  ).not.toContain("dbk_");

  await page.reload();
  await page.getByRole("link", { name: "Search", exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
});

for (const theme of ["light", "dark"] as const)
  test(`the ways in, in the ${theme}`, async () => {
    const page = await open("/", { key: null, dark: theme === "dark", expected: refused });
    await page.getByLabel("API key").waitFor();
    await accessible(page);
    await screenshot(page, `signin-${theme}`);
    const choice = await open("/", { key: inject("bootstrap"), dark: theme === "dark" });
    await choice.getByLabel("Tenant").waitFor();
    await accessible(choice);
    await screenshot(choice, `tenant-${theme}`);
  });

test("the link of make run signs in and is stripped at once", async () => {
  const page = await open(`/live?q=a#key=${inject("key")}`, { key: null, expected: refused });
  await page.getByRole("link", { name: "Live", exact: true }).waitFor();
  expect(page.url()).toBe(`${inject("url")}/live?q=a`);
  await page.goBack().catch(() => undefined);
  expect(page.url()).not.toContain("dbk_");
});

test("a link with a wrong key says so", async () => {
  const page = await open("/#key=dbk_nonsense", { key: null, expected: refused });
  await page.getByRole("alert").filter({ hasText: "The key in the link" }).waitFor();
  expect(page.url()).not.toContain("dbk_");
});

test("a key of every tenant chooses one, and the address has it", async () => {
  const page = await open("/", { key: inject("bootstrap") });
  await page.getByLabel("Tenant").fill(inject("tenant"));
  await page.getByRole("button", { name: "Show its events" }).click();
  await page.getByRole("link", { name: "Search", exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get("tenant")).toBe(inject("tenant"));
});

test("a key that only reads has no admin's views", async () => {
  const page = await open("/admin", { key: inject("readerKey") });
  await page.getByText("Your key may not open Admin").waitFor();
  expect(await page.getByRole("link", { name: "Audit" }).count()).toBe(0);
});
