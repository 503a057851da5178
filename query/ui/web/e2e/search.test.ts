import { expect, inject, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";
import { calls, counted, has, loaded, rows, stored } from "./events.ts";

const all = "/?from=now-7d";

test("the first view shows the newest events, how many there are over time, and facets", async () => {
  const page = await open(all);
  await loaded(page);
  const total = await counted("from=now-7d");
  await page.getByText(`${total.toLocaleString("en")} events`).waitFor();
  await page.getByRole("slider", { name: /^Time/ }).waitFor();
  await page
    .getByRole("region", { name: "Type", exact: true })
    .getByRole("button", { name: /^request\.success/ })
    .waitFor();
  await accessible(page);
  await screenshot(page, "search-light");
});

test("the first view takes no more than 300 KB of files", async () => {
  const page = await open(all);
  await loaded(page);
  const sizes = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.includes("/assets/"))
      .map((file) => (file as PerformanceResourceTiming).encodedBodySize),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(50_000);
  expect(total).toBeLessThan(300_000);
});

test("in the dark nothing is hard to read", async () => {
  const page = await open(`${all}&q=card`, { dark: true });
  await loaded(page);
  await page.getByRole("region", { name: "Type", exact: true }).getByRole("listitem").first().waitFor();
  await accessible(page);
  await screenshot(page, "search-dark");
});

test("on a phone there is room for all of it", async () => {
  const page = await open(`${all}&q=card`, { width: 400, height: 800 });
  await loaded(page);
  await accessible(page);
  await screenshot(page, "search-narrow");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
  await page.getByRole("button", { name: "Facets" }).click();
  const drawer = page.getByRole("dialog", { name: "Facets" });
  await drawer.getByRole("button", { name: /^payment\.failed/ }).waitFor();
  await accessible(page);
  await screenshot(page, "search-narrow-facets");
  await drawer.getByRole("button", { name: /^payment\.failed/ }).click();
  await has(page, { q: "card eventType:payment.failed" });
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
});

test("Enter searches, and typing asks for nothing but completions", async () => {
  const id = await stored([{ eventType: "test.note", payload: { note: "Příliš 😀 žluťoučký KŮŇ" } }]);
  const page = await open(`${all}&q=correlation:${id}`);
  await loaded(page);
  const searches = calls(page, "/api/v1/events");
  const histograms = calls(page, "/api/v1/events/histogram");
  await page.keyboard.press("/");
  await page.keyboard.press("End");
  await page.keyboard.type(" kůň");
  expect(searches).toEqual([]);
  await page.keyboard.press("Enter");
  await has(page, { q: `correlation:${id} kůň` });
  // Found in any case, behind a character of two UTF-16 units.
  await rows(page).locator("mark", { hasText: /^KŮŇ$/ }).waitFor();
  await rows(page).getByText("Příliš 😀 žluťoučký").waitFor();
  expect(searches.map((query) => query.get("q"))).toEqual([`correlation:${id} kůň`]);
  await expect.poll(() => histograms.length).toBe(1);

  // The same again asks again.
  await page.keyboard.press("Enter");
  await expect.poll(() => searches.length).toBe(2);
  await page.keyboard.press("Escape");
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BODY");
});

test("what is wrong with a search is shown at its place, and the events of before stay", async () => {
  const page = await open(`${all}&q=card`, { expected: [/status of 400/] });
  await loaded(page);
  const input = page.getByRole("combobox", { name: "Search" });
  await input.fill("ž severity:foo x");
  await input.press("Enter");
  const fault = page.getByRole("alert").filter({ hasText: "foo" });
  await fault.getByText("is not INFO, WARN, ERROR or CRITICAL").waitFor();
  expect(await fault.locator("strong").textContent()).toBe("foo");
  expect(await page.locator(".filterbar-mirror .filterbar-wrong").textContent()).toBe("foo");
  expect(await input.getAttribute("aria-invalid")).toBe("true");
  await page.locator(".events[aria-busy=true]").waitFor();
  await accessible(page);
  await screenshot(page, "search-fault");
  await input.fill("ž severity:ERROR OR");
  await fault.waitFor({ state: "detached" });
  await input.press("Enter");
  await page.getByRole("alert").filter({ hasText: "condition is missing here" }).waitFor();
  await input.fill("card");
  await input.press("Enter");
  await page.getByRole("alert").waitFor({ state: "detached" });
  await loaded(page);
});

test("the address has the whole view, for reload, back and whoever opens it", async () => {
  const address =
    "/?q=card&from=now-7d&tz=Asia%2FTokyo&cols=createdAt&cols=payload.currency&cols=severity&density=compact&order=asc" +
    "&facet=payload.currency&facet=severity&folded=severity&chart=table";
  const page = await open(address);
  const check = async () => {
    await loaded(page);
    const headings = page.getByRole("grid").getByRole("columnheader");
    await page.getByRole("grid").getByText("currency").first().waitFor();
    expect(await headings.allTextContents()).toEqual(["Time ↑", "currency", "Severity"]);
    await page.getByRole("button", { name: "Time: Last 7 days, Asia/Tokyo" }).waitFor();
    await page.getByRole("button", { name: "Oldest first" }).waitFor();
    await page.getByRole("table").getByRole("rowheader").first().waitFor();
    await page.getByRole("region", { name: "currency" }).getByRole("button", { name: /^EUR/ }).waitFor();
    expect(await page.getByRole("region", { name: "Severity", exact: true }).getByRole("listitem").count()).toBe(0);
    expect((await rows(page).first().boundingBox())?.height).toBe(22);
  };
  await check();
  await page.reload();
  await check();
  await page.getByRole("combobox", { name: "Search" }).fill("visa");
  await page.keyboard.press("Enter");
  await has(page, { q: "visa" });
  await loaded(page);
  await page.goBack();
  await expect.poll(() => page.getByRole("combobox", { name: "Search" }).inputValue()).toBe("card");
  await check();
  expect(new URL(page.url()).search).toBe(address.slice(1));
});

test("nothing found says what to do", async () => {
  const page = await open("/?q=nothing-has-this-text&from=now-1h");
  await page.getByText("No event matches").waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Clear all filters" }).click();
  await has(page, { q: null });
});

test("what fails hides nothing else, and says how to go on", async () => {
  const expected = [/status of 500/, /status of 422/];
  const problem = (status: number) => ({
    status,
    contentType: "application/problem+json",
    body: JSON.stringify({ type: "/problems/x", title: "No", status, detail: "there is too much", requestId: "req-1" }),
  });
  const page = await open("/live", { expected });
  await page.route("**/events/histogram?**", (route) => route.fulfill(problem(422)));
  await page.route("**/events/facets?**", (route) => route.fulfill(problem(422)));
  await page.goto(all);
  await loaded(page);
  await page.getByRole("region", { name: "Events over time" }).getByText("there is too much").waitFor();
  await page.getByRole("region", { name: "Type", exact: true }).getByText("there is too much").waitFor();
  // Without the histogram nobody has counted yet.
  await page.getByRole("button", { name: "Count them" }).click();
  const total = await counted("from=now-7d");
  await page.getByText(`${total.toLocaleString("en")} events`).waitFor();
  await screenshot(page, "search-failing");

  await page.unroute("**/events/histogram?**");
  await page.unroute("**/events/facets?**");
  await page.getByRole("region", { name: "Events over time" }).getByRole("button", { name: "Try again" }).click();
  await page.getByRole("slider").waitFor();

  await page.route(/\/api\/v1\/events\?/, (route) => route.fulfill(problem(500)));
  await page.goto(`${all}&q=card`);
  await page.getByRole("alert").filter({ hasText: "Daybook can't answer at the moment" }).waitFor();
  await page.getByRole("region", { name: "Type", exact: true }).getByRole("listitem").first().waitFor();
  await page.unroute(/\/api\/v1\/events\?/);
  await page.getByRole("button", { name: "Try again" }).click();
  await loaded(page);
});

test("a search that nobody waits for any more is called off", async () => {
  const page = await open(all);
  await loaded(page);
  let free = () => {};
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  await page.route(/\/api\/v1\/events\?.*q=slow/, async (route) => {
    await held;
    await route.abort().catch(() => undefined);
  });
  const off = page.waitForEvent("requestfailed", (request) => request.url().includes("q=slow"));
  const input = page.getByRole("combobox", { name: "Search" });
  await input.fill("slow");
  await input.press("Enter");
  await page.locator(".events[aria-busy=true]").waitFor();
  await input.fill("card");
  await input.press("Enter");
  expect((await off).failure()?.errorText).toBe("net::ERR_ABORTED");
  await loaded(page);
  free();
});

test("all that matches is exported, by the same filter", async () => {
  const id = await stored([
    { eventType: "test.a", payload: { n: 1 } },
    { eventType: "test.b", payload: { n: 2 } },
  ]);
  const page = await open(`${all}&q=correlation:${id}+type:test.b`);
  await loaded(page);
  await page.getByRole("button", { name: "Export" }).click();
  await accessible(page);
  for (const [name, format] of [
    ["CSV", "csv"],
    ["Parquet", "parquet"],
    ["NDJSON", "ndjson"],
  ] as const) {
    const href = await page.getByRole("menuitem", { name }).getAttribute("href");
    const query = new URL(href ?? "", inject("url")).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      q: `correlation:${id} type:test.b`,
      from: "now-7d",
      tz: "Europe/Prague",
      format,
    });
  }
  const file = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "NDJSON" }).click();
  const stream = await (await file).createReadStream();
  let text = "";
  for await (const chunk of stream) text += chunk;
  expect(
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).eventType),
  ).toEqual(["test.b"]);
});
