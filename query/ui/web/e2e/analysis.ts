import type { Locator, Page } from "playwright-core";
import { expect, inject } from "vitest";

// A time that no other test writes into, so that figures stay what they are.
export const hour = 3_600_000;
export const end = Math.floor((Date.now() - 24 * hour) / hour) * hour;
export const range = { from: new Date(end - 96 * hour).toISOString(), to: new Date(end).toISOString() };
export const within = `from=${range.from}&to=${range.to}&tz=Europe%2FPrague`;

export interface Answer {
  series: { group: Record<string, string | null>; other?: boolean; totals: number[]; previousTotals?: number[] }[];
  totals: number[];
}

/** ask asks the API itself. */
export async function ask(body: object): Promise<Answer> {
  const answer = await fetch(`${inject("url")}/api/v1/events/aggregate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${inject("key")}`, "Content-Type": "application/json" },
    body: JSON.stringify({ ...range, bucket: null, ...body }),
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as Answer;
}

/** found counts the events that the search of an address finds. */
export async function found(page: Page): Promise<number> {
  const given = new URL(page.url()).searchParams;
  const query = new URLSearchParams({ limit: "1", count: "exact" });
  for (const name of ["q", "from", "to", "tz", "preset"])
    if (given.get(name)) query.set(name, given.get(name) as string);
  const answer = await fetch(`${inject("url")}/api/v1/events?${query}`, {
    headers: { Authorization: `Bearer ${inject("key")}` },
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return ((await answer.json()) as { meta: { count: { value: number } } }).meta.count.value;
}

export const parameters = (page: Page) => new URL(page.url()).searchParams;
export const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 2, name });
export const chart = (page: Page) => page.getByRole("slider");
export const plot = (page: Page) => chart(page).locator(".u-over");
export const groups = (page: Page) => page.getByRole("region", { name: "Series" }).getByRole("table");
export const atSearch = (page: Page) => page.waitForURL((url) => url.pathname === "/");

/** numbersOf returns the cells of a row of the table of series. */
export async function numbersOf(row: Locator): Promise<string[]> {
  return (await row.getByRole("cell").allInnerTexts())
    .map((text) => text.trim())
    .filter((text) => text && text !== "Only");
}

export const written = (n: number) => n.toLocaleString("en");

/** valueAt moves to a place of the chart, as shares of its room, and returns what the tooltip says of the series there. */
export async function valueAt(page: Page, x: number, y: number) {
  const box = await plot(page).boundingBox();
  if (!box) throw new Error("The chart is not there");
  await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  const pointed = page.locator(".chart-tooltip-pointed");
  await pointed.waitFor();
  return {
    series: await pointed.getByRole("rowheader").textContent(),
    value: await pointed.locator(".number").first().textContent(),
  };
}
