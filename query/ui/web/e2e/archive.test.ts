import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { correlation, has, loaded, rows } from "./events.ts";

// What is older than the retention: the node purges it an hour after it came at the earliest.

test("with the archive, events older than the retention are found too, and say so", async () => {
  const key = inject("briefKey");
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const id = correlation();
  const old = new Date(Date.now() - 3 * 24 * 3600_000).toISOString();
  const answer = await fetch(`${inject("url")}/api/v1/events`, {
    method: "POST",
    headers,
    body: JSON.stringify([
      { eventType: "archive.old", correlationId: id, createdAt: old },
      { eventType: "archive.young", correlationId: id },
    ]),
  });
  expect(answer.status, await answer.text()).toBe(202);
  for (const deadline = Date.now() + 20_000; ; ) {
    const found = await fetch(`${inject("url")}/api/v1/events?include=archive&correlationId=${id}`, { headers });
    if (((await found.json()) as { events: object[] }).events.length === 2) break;
    if (Date.now() > deadline) throw new Error("the events are not found");
    await new Promise((wait) => setTimeout(wait, 50));
  }

  const page = await open(`/?from=all&q=correlationId:${id}`, { key });
  await loaded(page);
  expect(await rows(page).count()).toBe(1);
  await page.getByRole("button", { name: /^Time:/ }).click();
  const choice = page.getByRole("checkbox", { name: /^With the archive/ });
  await accessible(page);
  await screenshot(page, "archive-choice");
  await choice.check();
  await has(page, { include: "archive" });
  await page.keyboard.press("Escape");
  await rows(page).nth(1).waitFor();
  expect(await rows(page).count()).toBe(2);
  await page.getByText("2 events", { exact: true }).first().waitFor();

  // Completion is of what is stored: it does not ask the archive.
  await page
    .getByRole("combobox", { name: /search/i })
    .first()
    .pressSequentially(" eventT");
  await page
    .getByRole("option", { name: /eventType/ })
    .first()
    .waitFor();
  await page.keyboard.press("Escape");

  await rows(page).nth(1).click();
  const panel = page.getByRole("complementary", { name: /^Event/ });
  await panel.getByText("older than the retention").waitFor();
  await accessible(page);
  await screenshot(page, "archive-event");

  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Take out with the archive" }).click();
  await has(page, { include: null });
  await rows(page).nth(1).waitFor({ state: "detached" });
});
