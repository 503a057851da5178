import type { Page } from "playwright-core";
import { expect, inject } from "vitest";
import { publish } from "./browser.ts";

// What the tests of search have in common.

/** ask asks the node's API, as the admin of the tenant. */
export async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(inject("url") + path, { headers: { Authorization: `Bearer ${inject("key")}` } });
  const text = await answer.text();
  expect(answer.status, `${path}: ${text}`).toBe(200);
  return JSON.parse(text) as T;
}

/** counted asks how many events match. */
export async function counted(query: string): Promise<number> {
  const answer = await ask<{ meta: { count: { value: number } } }>(`/api/v1/events?limit=1&count=exact&${query}`);
  return answer.meta.count.value;
}

let made = 0;

/** correlation is a correlation id that no other event has. */
export function correlation(): string {
  return `test_${Date.now().toString(36)}_${++made}`;
}

/**
 * stored publishes events with a correlation id of their own and waits until a search finds them all. write changes the
 * JSON before it is sent, for what JSON.stringify can't write.
 */
export async function stored(events: object[], write?: (json: string) => string): Promise<string> {
  const id = correlation();
  await publish(
    events.map((event) => ({ source: "test", ...event, correlationId: id })),
    write ? { write } : {},
  );
  for (const deadline = Date.now() + 20_000; ; ) {
    if ((await counted(`correlationId=${id}`)) === events.length) return id;
    if (Date.now() > deadline) throw new Error("the events that were published are not found");
    await new Promise((wait) => setTimeout(wait, 50));
  }
}

/** rows are the events that the page shows. */
export function rows(page: Page) {
  return page.getByRole("grid", { name: "Events" }).locator("[data-index]");
}

/** loaded waits for the events of an answer. */
export async function loaded(page: Page) {
  await rows(page).first().waitFor();
  await page.locator(".events[aria-busy=false]").waitFor();
}

/** has waits until the address has parameters of these values; null: it has none. */
export async function has(page: Page, wanted: Record<string, string | null>) {
  await page.waitForURL((url) => Object.entries(wanted).every(([name, value]) => url.searchParams.get(name) === value));
}

/** calls collects the searches that the page asks for from now on: their parameters. */
export function calls(page: Page, path: string): URLSearchParams[] {
  const seen: URLSearchParams[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname === path) seen.push(url.searchParams);
  });
  return seen;
}
