import type { Locator, Page } from "playwright-core";
import { inject } from "vitest";
import { publish } from "./browser.ts";

// What the tests of the live view do again and again.

/** The list, and what is said about it. */
export const list = (page: Page) => page.getByRole("region", { name: "Live events" });
export const state = (page: Page) => page.getByRole("region", { name: "State of the stream" });
export const row = (page: Page, text: string | RegExp): Locator =>
  list(page).getByRole("row").filter({ hasText: text });

/** live waits until the stream is there. */
export async function live(page: Page) {
  await state(page).getByText("Live", { exact: true }).first().waitFor();
}

/** address is the live view of the events of one run, with their numbers as the only column. */
export function address(run: string, more = ""): string {
  return `/live?q=${encodeURIComponent(`payload.run:${run}`)}&cols=payload.n${more}`;
}

let runs = 0;

/** newRun is a name that no other events have. */
export function newRun(): string {
  return `run${Date.now().toString(36)}${++runs}`;
}

export function numbered(run: string, from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, i) => ({ eventType: "step.done", payload: { run, n: from + i } }));
}

/**
 * steadily publishes numbered events at a rate, until it is told to stop, and returns how many there were. Where the
 * server is away, it says the same again when it is back: what is told twice would be shown twice.
 */
export function steadily(run: string, rate: number, visit: { url?: string; key?: string } = {}) {
  let going = true;
  let n = 0;
  const done = (async () => {
    const began = Date.now();
    while (going) {
      const due = Math.floor(((Date.now() - began) / 1000) * rate) - n;
      if (due > 0) {
        const to = n + Math.min(due, 500);
        await publish(numbered(run, n, to), visit);
        n = to;
      }
      await new Promise((next) => setTimeout(next, 50));
    }
    return n;
  })();
  return {
    published: () => n,
    stop: () => {
      going = false;
      return done;
    },
  };
}

/** walk scrolls through the whole list from its beginning, and returns what its rows show, one after the other. */
export async function walk(page: Page): Promise<string[]> {
  return list(page).evaluate(async (element) => {
    const seen = new Map<number, string>();
    const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    // As a wheel does that is turned up.
    element.dispatchEvent(new WheelEvent("wheel", { deltaY: -1, bubbles: true }));
    element.scrollTop = 0;
    for (let before = -1; element.scrollTop !== before; ) {
      before = element.scrollTop;
      await painted();
      for (const one of element.querySelectorAll<HTMLElement>("tr[data-number]"))
        seen.set(Number(one.dataset["number"]), one.textContent ?? "");
      element.scrollTop += element.clientHeight - 90;
    }
    return [...seen].sort(([a], [b]) => a - b).map(([, text]) => text);
  });
}

/** onScreen returns what the rows show that are wholly to be seen. */
export async function onScreen(page: Page): Promise<string[]> {
  return list(page).evaluate((element) => {
    const head = element.querySelector("thead")?.getBoundingClientRect().bottom ?? 0;
    const { bottom } = element.getBoundingClientRect();
    return [...element.querySelectorAll("tbody tr")]
      .map((one) => ({ text: one.textContent ?? "", box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.top >= head - 1 && box.bottom <= bottom + 1)
      .sort((a, b) => a.box.top - b.box.top)
      .map(({ text }) => text);
  });
}

/** contiguous says what is wrong with numbers that should be those from 0 on, each once; in Kafka they lie in several partitions. */
export function contiguous(shown: string[], n: number): string {
  const numbers = shown.filter((text) => /^\d+$/.test(text)).map(Number);
  const counts = new Map<number, number>();
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1);
  const missing = Array.from({ length: n }, (_, i) => i).filter((i) => !counts.has(i));
  const twice = [...counts].filter(([, times]) => times > 1).map(([i]) => i);
  if (missing.length === 0 && twice.length === 0 && numbers.length === n) return "";
  return `${numbers.length} of ${n}; missing: ${missing.slice(0, 20)}; twice: ${twice.slice(0, 20)}`;
}

/** streams is how many the node serves to clients. */
export async function streams(adminUrl = inject("adminUrl")): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return [...text.matchAll(/^daybook_stream_clients\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}
