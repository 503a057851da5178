import { spawn } from "node:child_process";
import type { Locator } from "playwright-core";
import { expect, inject, test } from "vitest";
import { accessible, open, publish, screenshot } from "./browser.ts";

/** produce puts a message on the topic as any program can. */
async function produce(message: string) {
  const kcat = spawn("kcat", ["-P", "-b", inject("kafka"), "-t", "events"], { stdio: ["pipe", "ignore", "inherit"] });
  kcat.stdin.end(message);
  expect(await new Promise((done) => kcat.once("close", done))).toBe(0);
}

/** arrives waits until a list of dead letters has a row: what has been published takes a moment. */
async function arrives(row: Locator) {
  const page = row.page();
  await expect
    .poll(async () => {
      await page.reload();
      await page.getByRole("heading", { name: "Dead letters" }).waitFor();
      await page.getByText(/Loading/).waitFor({ state: "detached" });
      return row.count();
    })
    .toBe(1);
}

test("a key is made, shown once, works, and is revoked", async () => {
  const page = await open("/admin");
  await page.getByRole("button", { name: "New key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("billing service");
  await dialog.getByLabel(/events:write/).check();
  await accessible(page);
  await dialog.getByRole("button", { name: "Make it" }).click();
  const key = await page.getByRole("dialog").getByLabel("Key", { exact: true }).inputValue();
  expect(key).toMatch(/^dbk_/);
  await page.getByRole("dialog").getByRole("button", { name: "Copy" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  await publish([{ eventType: "a.b", payload: {} }], { key });
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("rowheader", { name: "billing service" }).waitFor();
  expect(await page.content()).not.toContain(key);

  await page.getByRole("button", { name: "Revoke billing service" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: /billing service.*revoked/ }).waitFor();
  const answer = await fetch(`${inject("url")}/api/v1/events?limit=1`, { headers: { Authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(401);
});

test("dead letters are looked at and published again", async () => {
  const marker = `broken-${Date.now()}`;
  const bad = JSON.stringify({ tenantId: inject("tenant"), eventType: "a.b", severity: "LOUD", payload: { marker } });
  await produce(bad);
  const page = await open("/admin/deadletters");
  const row = page.getByRole("row", { name: new RegExp(marker) });
  await arrives(row);
  await accessible(page);
  await row.getByRole("button").click();
  await page.getByRole("dialog").getByText(marker).waitFor();
  await accessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Publish again" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByLabel("also those that were published again").check();
  await page.waitForURL(/replayed=1/);
  await page
    .getByRole("row", { name: new RegExp(marker) })
    .first()
    .waitFor();
});

test("a hold of what was searched is placed with its reason, and lifted with another", async () => {
  const marker = `case-${Date.now()}`;
  const page = await open(`/?q=${encodeURIComponent(`actorId:"${marker}"`)}`, { expected: [/400/] });
  await page.getByRole("link", { name: "Admin" }).click();
  await page.getByRole("link", { name: "Legal holds" }).click();
  await page.getByRole("button", { name: "Place a hold" }).click();
  const dialog = page.getByRole("dialog");
  const place = dialog.getByRole("button", { name: "Place it" });
  expect(await place.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Reason/).fill(marker);
  const query = dialog.getByLabel(/Events that match/);
  expect(await query.inputValue()).toBe(`actorId:"${marker}"`);
  await query.fill("actorId:(");
  await place.click();
  await dialog.getByRole("alert").waitFor();
  await query.fill(`actorId:"${marker}"`);
  await dialog.getByLabel(/From the day/).fill("2026-01-01");
  await dialog.getByLabel(/To the end of the day/).fill("2026-01-31");
  await accessible(page);
  await screenshot(page, "hold-placing");
  await place.click();
  const row = page.getByRole("row", { name: new RegExp(marker) });
  await row.getByRole("cell", { name: "in force" }).waitFor();
  await row.getByText(`q: actorId:"${marker}"`).waitFor();
  const answer = await fetch(`${inject("url")}/api/v1/holds`, {
    headers: { Authorization: `Bearer ${inject("bootstrap")}`, "X-Tenant-Id": inject("tenant") },
  });
  const { holds } = (await answer.json()) as { holds: { reason: string; filter: { from: string; to: string } }[] };
  const { from, to } = holds.find((hold) => hold.reason === marker)?.filter ?? { from: "", to: "" };
  expect((Date.parse(to) - Date.parse(from)) / 86_400_000).toBeCloseTo(31, 0);
  await page.getByRole("link", { name: "Status" }).click();
  await page.getByText(/legal holds in force: \d/).waitFor();

  await page.getByRole("link", { name: "Legal holds" }).click();
  await page.getByRole("button", { name: `Lift ${marker}` }).click();
  await dialog.getByLabel(/^Reason/).fill("the case is closed");
  await accessible(page);
  await dialog.getByRole("button", { name: "Lift it" }).click();
  await page.getByRole("row", { name: new RegExp(`${marker}.*lifted.*the case is closed`) }).waitFor();
});

for (const theme of ["light", "dark"] as const)
  test(`keys, dead letters, holds and status in the ${theme}`, async () => {
    const page = await open("/admin", { dark: theme === "dark" });
    await page.getByRole("columnheader", { name: "State" }).waitFor();
    await accessible(page);
    await screenshot(page, `keys-${theme}`);
    await page.getByRole("link", { name: "Dead letters" }).click();
    await page.getByLabel("also those that were published again").check();
    await page.getByRole("row").nth(1).waitFor();
    await accessible(page);
    await screenshot(page, `deadletters-${theme}`);
    await page.getByRole("link", { name: "Legal holds" }).click();
    await page.getByRole("heading", { name: "Legal holds" }).waitFor();
    await page.getByText(/Loading/).waitFor({ state: "detached" });
    await accessible(page);
    await screenshot(page, `holds-${theme}`);
    await page.getByRole("link", { name: "Status" }).click();
    await page.getByText("365 days").waitFor();
    await accessible(page);
    await screenshot(page, `status-${theme}`);
  });

test("an admin of every tenant sees the partitions", async () => {
  const page = await open(`/admin/status?tenant=${inject("tenant")}`, { key: inject("bootstrap") });
  await page.getByRole("region", { name: "Partitions" }).getByRole("row").nth(1).waitFor();
  await page.getByText("No message was lost before it was stored.").waitFor();
});

test("an admin of every tenant manages what is of all of them, or of one", async () => {
  const marker = `nobodys-${Date.now()}`;
  await produce(`no JSON, ${marker}`);
  const page = await open(`/admin?tenant=${inject("tenant")}`, { key: inject("bootstrap") });
  const name = `of another ${marker}`;
  const other = await fetch(`${inject("url")}/api/v1/keys`, {
    method: "POST",
    headers: { Authorization: `Bearer ${inject("bootstrap")}`, "Content-Type": "application/json" },
    body: JSON.stringify({ tenantId: "tenant_0001", name, scopes: ["events:read"] }),
  });
  expect(other.status).toBe(201);
  await page.reload();
  await page.getByRole("columnheader", { name: "State" }).waitFor();
  const row = page.getByRole("row", { name: new RegExp(name) });
  expect(await row.count()).toBe(0);
  await page.getByLabel("of every tenant").check();
  await row.getByRole("cell", { name: "tenant_0001" }).waitFor();
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row", { name: new RegExp(`${name}.*revoked`) }).waitFor();

  await page.getByRole("link", { name: "Dead letters" }).click();
  await page.waitForURL(/reach=all/);
  const letter = page.getByRole("row", { name: new RegExp(marker) });
  await arrives(letter);
  await letter.getByText("names none").waitFor();
  await accessible(page);
  await letter.getByRole("button").click();
  await page.getByRole("dialog").getByText(marker).waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("of every tenant").uncheck();
  await letter.waitFor({ state: "detached" });
});
