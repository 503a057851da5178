import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";

// Chromium as a person has it, signed in to the shared node. What the page logs as an error, what its policy
// blocks and what it throws fails the test that was running.

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where screenshots go, which people look at; git ignores the folder. */
const screenshots = join(import.meta.dirname, "screenshots");

let browser: Browser;
const contexts: BrowserContext[] = [];
const faults: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
afterAll(async () => {
  await browser?.close();
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  expect(faults.splice(0)).toEqual([]);
});

export interface Visit {
  /** The node; the shared one by default. */
  url?: string;
  /** Whose key signs in; the admin's by default; null: nobody. */
  key?: string | null;
  width?: number;
  height?: number;
  dark?: boolean;
  timezone?: string;
  /** Errors that the test provokes: messages that contain one of these are no fault. */
  expected?: RegExp[];
}

/** newContext is a browser profile of its own, signed in. */
export async function newContext(visit: Visit = {}): Promise<BrowserContext> {
  const {
    url = inject("url"),
    key = inject("key"),
    width = 1280,
    height = 800,
    dark = false,
    timezone = "Europe/Prague",
  } = visit;
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    timezoneId: timezone,
    permissions: ["clipboard-read", "clipboard-write"],
    reducedMotion: "reduce",
  });
  contexts.push(context);
  const unexpected = (text: string) => {
    if (!visit.expected?.some((known) => known.test(text))) faults.push(text);
  };
  context.on("weberror", (fault) => unexpected(`thrown: ${fault.error().stack ?? fault.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error") unexpected(`logged: ${message.text()} (${message.location().url})`);
  });
  if (key !== null) {
    const answer = await context.request.post("/api/v1/session", { data: { key } });
    expect(answer.status(), await answer.text()).toBe(201);
  }
  return context;
}

/** open opens an address of the page in a profile of its own. */
export async function open(path: string, visit: Visit = {}): Promise<Page> {
  const context = await newContext(visit);
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

/** screenshot keeps what the page shows, for people to look at. */
export async function screenshot(page: Page, name: string) {
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/** accessible fails where axe finds a violation of WCAG 2 A or AA. */
export async function accessible(page: Page) {
  // Evaluated by the driver, which the page's policy doesn't hinder.
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const axe = (
      window as unknown as {
        axe: { run: (root: Document, options: object) => Promise<{ violations: AxeViolation[] }> };
      }
    ).axe;
    interface AxeViolation {
      id: string;
      help: string;
      nodes: { target: string[]; failureSummary?: string }[];
    }
    const found = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return found.violations.map(
      (v) =>
        `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target.join(" ")} (${n.failureSummary ?? ""})`).join("; ")}`,
    );
  });
  expect(violations).toEqual([]);
}

/** publish sends events to the node over HTTP, as the tenant of the key. write changes their JSON before. */
export async function publish(
  events: object[],
  visit: { url?: string; key?: string; write?: (json: string) => string } = {},
) {
  const body = JSON.stringify(events);
  const answer = await fetch(`${visit.url ?? inject("url")}/api/v1/events`, {
    method: "POST",
    headers: { Authorization: `Bearer ${visit.key ?? inject("key")}`, "Content-Type": "application/json" },
    body: visit.write?.(body) ?? body,
  });
  expect(answer.status, await answer.text()).toBe(202);
}
