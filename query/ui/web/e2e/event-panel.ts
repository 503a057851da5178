import type { Locator, Page } from "playwright-core";
import { open } from "./browser.ts";
import { correlation, stored } from "./events.ts";

const base = Date.parse(new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, ".000"));
export const at = (ms: number) => new Date(base + ms).toISOString();

/** A payload with what is easily lost: digits, order, names that need escapes, characters that nobody sees. */
const exact = `{"amount":1.30,"big":12345678901234567890,"list":["a","b"],"2":"two","1":"one","on":true,"none":null,
  "customer":{"id":"cust_1","plan.name":"gold"},"lines":[{"sku":"s-1","qty":2}],"note":"declined\\u202e by \\"bank\\"",
  "long":"${"abcdefghi ".repeat(60)}"}`;

export const actor = {
  actorType: "USER",
  actorId: correlation(),
  actorName: "Jane Doe",
  actorEmail: "jane@example.com",
};
export let chain = "";
export const id = (n: number) => `${actor.actorId}-${n}`;

/** storeChain stores six events of one actor and one chain, whose correlation id is then in chain. */
export async function storeChain(): Promise<void> {
  const steps: [ms: number, source: string, eventType: string, severity: string][] = [
    [0, "api-gateway", "request.success", "INFO"],
    [3, "auth", "login.success", "INFO"],
    [40, "billing", "payment.received", "INFO"],
    [1300, "billing", "payment.failed", "ERROR"],
    [1302, "api-gateway", "request.error", "WARN"],
    [600_000, "billing", "payment.received", "CRITICAL"],
  ];
  chain = await stored(
    steps.map(([ms, source, eventType, severity], i) => ({
      ...actor,
      eventId: id(i),
      createdAt: at(ms),
      source,
      eventType,
      severity,
      targetType: "INVOICE",
      targetId: "inv_1",
      ipAddress: "203.0.113.7",
      userAgent: "curl/8.9",
      region: { name: "eu", zones: [1, 2] },
      payload:
        eventType === "payment.failed"
          ? "PAYLOAD"
          : {
              amount: 450 + i,
              currency: i < 5 ? "USD" : "EUR",
              invoice: "inv_1",
              tags: ["x", "y"].slice(0, 1 + (i % 2)),
            },
    })),
    // Written by hand: JSON.stringify would lose what these tests are about.
    (text) => text.replace('"PAYLOAD"', exact),
  );
}

export const failed = 3;
export const from = () => `from=${encodeURIComponent(at(-60_000))}`;
export const panelOf = (page: Page) => page.getByRole("complementary", { name: /^Event/ });

/** opened opens an event by its address, and returns its panel. */
export async function opened(n: number, more = "", visit = {}): Promise<{ page: Page; panel: Locator }> {
  const page = await open(`/?${from()}&event=${id(n)}${more}`, visit);
  const panel = panelOf(page);
  await panel.getByRole("tabpanel").waitFor();
  return { page, panel };
}

export function field(panel: Locator, label: string): Locator {
  return panel.locator(".event-field").filter({ has: panel.page().getByText(label, { exact: true }) });
}

export const item = (panel: Locator, name: string | RegExp) => panel.getByRole("treeitem", { name });
export const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

/** names are the accessible names of what a part of the page has of a role, as screen readers get them. */
export async function names(part: Locator, role = "[a-z0-9]+"): Promise<string[]> {
  const lines = (await part.ariaSnapshot()).replaceAll("''", "'");
  const found = lines.matchAll(new RegExp(`- '?${role} ("(?:[^"\\\\]|\\\\.)*")`, "g"));
  return [...found].map(([, name]) => JSON.parse(name ?? ""));
}
export const focused = async (page: Page) => (await names(page.locator(":focus")))[0];
