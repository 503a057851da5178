import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accessible, open, publish, screenshot } from "./browser.ts";
import { type Node, newNode } from "./node.ts";

// A time that no other test writes into, so that figures stay what they are.
const hour = 3_600_000;
const end = Math.floor((Date.now() - 24 * hour) / hour) * hour;
const range = { from: new Date(end - 96 * hour).toISOString(), to: new Date(end).toISOString() };
const within = `from=${range.from}&to=${range.to}&tz=Europe%2FPrague`;

interface Answer {
  series: { group: Record<string, string | null>; other?: boolean; totals: number[]; previousTotals?: number[] }[];
  totals: number[];
}

/** ask asks the API itself. */
async function ask(body: object): Promise<Answer> {
  const answer = await fetch(`${inject("url")}/api/v1/events/aggregate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${inject("key")}`, "Content-Type": "application/json" },
    body: JSON.stringify({ ...range, bucket: null, ...body }),
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as Answer;
}

/** found counts the events that the search of an address finds. */
async function found(page: Page): Promise<number> {
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

const parameters = (page: Page) => new URL(page.url()).searchParams;
const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 2, name });
const chart = (page: Page) => page.getByRole("slider");
const plot = (page: Page) => chart(page).locator(".u-over");
const groups = (page: Page) => page.getByRole("region", { name: "Series" }).getByRole("table");
const atSearch = (page: Page) => page.waitForURL((url) => url.pathname === "/");

/** numbersOf returns the cells of a row of the table of series. */
async function numbersOf(row: Locator): Promise<string[]> {
  return (await row.getByRole("cell").allInnerTexts())
    .map((text) => text.trim())
    .filter((text) => text && text !== "Only");
}

const written = (n: number) => n.toLocaleString("en");

describe("what a first visit shows", () => {
  test.each([false, true])("events by severity over time, dark: %s", async (dark) => {
    const page = await open("/analysis?from=now-7d", { dark });
    await heading(page, "count by severity, every hour").waitFor();
    await plot(page).waitFor();
    for (const severity of ["INFO", "WARN", "ERROR", "CRITICAL"])
      await groups(page).getByRole("row").filter({ hasText: severity }).waitFor();
    // In their own order, not that of their counts.
    expect(await groups(page).getByRole("rowheader").allInnerTexts()).toEqual([
      "INFO",
      "WARN",
      "ERROR",
      "CRITICAL",
      "all together",
    ]);
    await page.getByText(/^exact · from/).waitFor();
    await accessible(page);
    await screenshot(page, `analysis-lines-${dark ? "dark" : "light"}`);
    await page.getByRole("button", { name: "How is this counted?" }).click();
    await page.getByText("Nothing is sampled").waitFor();
    await accessible(page);
  });

  test("the totals are those of the API", async () => {
    const want = await ask({ groupBy: ["severity"] });
    const page = await open(`/analysis?${within}`);
    await heading(page, /count by severity/).waitFor();
    for (const { group, totals } of want.series) {
      const row = groups(page)
        .getByRole("row")
        .filter({ hasText: group["severity"] as string });
      expect((await numbersOf(row))[0]).toBe(written(totals[0] as number));
    }
    expect(await numbersOf(groups(page).getByRole("row").last())).toEqual([written(want.totals[0] as number)]);
  });
});

describe("the builder", () => {
  test("measures, groups, buckets and comparison are chosen, and the address has all of it", async () => {
    const page = await open(`/analysis?${within}`);
    await heading(page, /count by severity/).waitFor();

    await page.getByRole("button", { name: "+ Measure" }).click();
    await page.getByText("Choose a field, and it is computed.").waitFor();
    // Figures stay while the new measure lacks its field.
    await heading(page, /count by severity/).waitFor();
    await page.getByLabel("Measure 2", { exact: true }).selectOption("avg");
    const field = page.getByRole("combobox", { name: "Field of measure 2" });
    await field.fill("latency");
    const listed = page.getByRole("listbox", { name: "Field of measure 2" });
    await listed.getByRole("option", { name: "payload.latency_ms" }).waitFor();
    // Only numbers can be averaged.
    await field.fill("region");
    await page.getByText("No number of that name").waitFor();
    await field.fill("latency");
    await listed.getByRole("option", { name: "payload.latency_ms" }).click();
    await heading(page, /^count; avg of payload.latency_ms by severity/).waitFor();
    expect(parameters(page).getAll("m")).toEqual(["count", "avg:payload.latency_ms"]);

    await page.getByRole("button", { name: "Don't group by severity" }).click();
    const by = page.getByRole("combobox", { name: "Group by another field" });
    await by.fill("eventT");
    await page.getByRole("option", { name: "eventType" }).waitFor();
    await by.press("Enter");
    await page.getByRole("button", { name: "Don't group by eventType" }).waitFor();
    // A path that nobody has offered.
    await by.fill("payload.not.there");
    await page.getByRole("option", { name: "payload.not.there" }).click();
    await page.getByLabel("Every").selectOption("1d");
    await page.getByLabel("The top").fill("3");
    await page.getByLabel("The top").press("Enter");
    await page.getByLabel("ranked by").selectOption({ label: "avg of payload.latency_ms" });
    await page.getByLabel("All others as one").uncheck();
    await page.getByLabel("Empty ones").selectOption("gap");
    await page.getByLabel("Compare with the period before").check();
    await page.getByRole("button", { name: "Table", exact: true }).click();

    const title = "count; avg of payload.latency_ms by eventType, payload.not.there, every day";
    await heading(page, title).waitFor();
    const asked =
      "m=count&m=avg:payload.latency_ms&by=eventType&by=payload.not.there&bucket=1d&top=3&rank=1&other=no&fill=gap&vs=previous&draw=table";
    const expected = new URLSearchParams(`${within}&${asked}`);
    expect([...parameters(page)].sort()).toEqual([...expected].sort());
    // A head, the top three, and all together.
    await expect.poll(() => groups(page).getByRole("row").count()).toBe(5);
    const rows = await groups(page).getByRole("row").allInnerTexts();

    await page.reload();
    await heading(page, title).waitFor();
    await expect.poll(() => groups(page).getByRole("row").allInnerTexts()).toEqual(rows);

    await page.goBack();
    await plot(page).first().waitFor();
    await page.goBack();
    expect(await page.getByLabel("Compare with the period before").isChecked()).toBe(false);
  });

  test("the period before is that of the API", async () => {
    const body = { groupBy: ["category"], compare: "previous", from: new Date(end - 48 * hour).toISOString() };
    const want = await ask(body);
    const page = await open(
      `/analysis?m=count&by=category&vs=previous&from=${body.from}&to=${range.to}&tz=UTC&draw=bars`,
    );
    await page.getByText(/^compared with/).waitFor();
    for (const { group, totals, previousTotals } of want.series) {
      const row = groups(page)
        .getByRole("row")
        .filter({ has: page.getByRole("rowheader", { name: group["category"] as string, exact: true }) });
      const [total, , before, change] = await numbersOf(row);
      expect([total, before]).toEqual([written(totals[0] as number), written(previousTotals?.[0] as number)]);
      expect(change).toMatch(/%$|^new$/);
    }
    await accessible(page);
    await screenshot(page, "analysis-bars-light");
  });

  test("a preset narrows it", async () => {
    const preset = "auth-failures-today";
    const want = await ask({ filter: { preset }, from: undefined, to: "now", groupBy: ["eventType"], timezone: "UTC" });
    const page = await open(`/analysis?preset=${preset}&m=count&by=eventType&bucket=none&tz=UTC`);
    await heading(page, "count by eventType").waitFor();
    const shown = await groups(page).getByRole("rowheader").allInnerTexts();
    expect(shown.slice(0, -1).sort()).toEqual(want.series.map(({ group }) => group["eventType"]).sort());
  });

  test("days begin in the zone", async () => {
    const page = await open(
      `/analysis?from=${range.from}&to=${range.to}&tz=Pacific%2FAuckland&bucket=1d&draw=table&m=count`,
    );
    const byTime = page.getByRole("region", { name: "By time" });
    await byTime.getByRole("columnheader", { name: "Time (Pacific/Auckland)" }).waitFor();
    const days = await byTime.getByRole("rowheader").allInnerTexts();
    const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Pacific/Auckland", dateStyle: "short" });
    expect(days[0]).toBe(`${local.format(end - 1)} in part`);
    expect(days).toHaveLength(5);
    // What the day holds is what its search finds.
    const whole = byTime.getByRole("row").nth(2);
    const n = await whole.getByRole("cell").textContent();
    await whole.getByRole("rowheader").getByRole("link").click();
    await atSearch(page);
    expect(written(await found(page))).toBe(n);
  });
});

/** valueAt moves to a place of the chart, as shares of its room, and returns what the tooltip says of the series there. */
async function valueAt(page: Page, x: number, y: number) {
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

describe("from a chart to its events", () => {
  test("a press on a bar shows the events of its group and time", async () => {
    const page = await open(`/analysis?${within}&m=count&by=source&bucket=6h&draw=bars`);
    await heading(page, /count by source/).waitFor();
    await plot(page).waitFor();
    const { series, value } = await valueAt(page, 0.4, 0.97);
    await page.mouse.down();
    await page.mouse.up();
    await atSearch(page);
    expect(parameters(page).get("q")).toBe(`source:${series}`);
    expect(written(await found(page))).toBe(value);

    await page.goBack();
    await heading(page, /count by source/).waitFor();
  });

  test("a press on a line does, where the bucket is cut too", async () => {
    const from = new Date(end - 47.5 * hour).toISOString();
    const page = await open(`/analysis?from=${from}&to=${range.to}&tz=UTC&q=payload.latency_ms:*&m=count&bucket=3h`);
    await plot(page).waitFor();
    const { value } = await valueAt(page, 0.01, 0.5);
    await page.getByText("Counted in part").waitFor();
    await page.mouse.down();
    await page.mouse.up();
    await atSearch(page);
    expect(parameters(page).get("q")).toBe("payload.latency_ms:*");
    expect(parameters(page).get("from")).toBe(from);
    expect(written(await found(page))).toBe(value);
  });

  test("a range that is drawn is shown, or zoomed into", async () => {
    const page = await open(`/analysis?${within}&bucket=6h`);
    await plot(page).waitFor();
    const box = await plot(page).boundingBox();
    if (!box) throw new Error("The chart is not there");
    const draw = async () => {
      await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.6, box.y + 80, { steps: 4 });
      await page.mouse.up();
    };
    await draw();
    await accessible(page);
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.waitForURL((url) => url.searchParams.get("from") !== range.from);
    const [from, to] = [Date.parse(parameters(page).get("from") ?? ""), Date.parse(parameters(page).get("to") ?? "")];
    // Whole buckets: some 30 % of four days.
    expect((to - from) / hour).toBeGreaterThanOrEqual(24);
    expect((to - from) / hour).toBeLessThanOrEqual(36);
    await page.goBack();
    await page.waitForURL((url) => url.searchParams.get("from") === range.from);
    await plot(page).waitFor();
    await draw();
    await page.getByRole("button", { name: "Show events" }).press("Enter");
    await atSearch(page);
    expect([parameters(page).get("from"), parameters(page).get("to")]).toEqual([
      new Date(from).toISOString(),
      new Date(to).toISOString(),
    ]);
    expect(parameters(page).get("q") ?? "").toBe("");
  });

  test("keys do what the pointer does", async () => {
    const page = await open(`/analysis?${within}&bucket=6h`);
    await plot(page).waitFor();
    await chart(page).focus();
    const text = () => chart(page).getAttribute("aria-valuetext");
    await page.keyboard.press("Home");
    const first = await text();
    expect(first).toMatch(/: INFO \d/);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect.poll(text).toMatch(/^[^:]+:00 – [^;]+: WARN \d+$/);
    const value = /WARN (\d+)$/.exec((await text()) ?? "")?.[1];
    await page.keyboard.press("Enter");
    await atSearch(page);
    expect(parameters(page).get("q")).toBe("severity:WARN");
    expect(String(await found(page))).toBe(value);
  });

  test("rows lead to the events of their group, of none, and of all others", async () => {
    const page = await open(`/analysis?${within}&m=count&by=actorName&top=3&bucket=none&draw=table`);
    await heading(page, "count by actorName").waitFor();
    for (const name of ["(none)", "other: all other groups"]) {
      const row = groups(page).getByRole("row").filter({ hasText: name });
      const [n] = await numbersOf(row);
      await row.getByRole("link").click();
      await atSearch(page);
      expect(written(await found(page)), parameters(page).get("q") ?? "").toBe(n);
      await page.goBack();
      await heading(page, "count by actorName").waitFor();
    }
  });

  test("bars without time lead there too, and lists are found by their elements", async () => {
    const page = await open(`/analysis?${within}&q=payload.scopes:*&m=count&by=payload.scopes&bucket=none`);
    const bar = page.locator(".rankbar-link").first();
    await bar.waitFor();
    await screenshot(page, "analysis-ranked-light");
    await accessible(page);
    await bar.click();
    await atSearch(page);
    expect(parameters(page).get("q")).toMatch(/^payload\.scopes:\* payload\.scopes:/);
    await page.getByText("compares lists element by element").waitFor();
    expect(await found(page)).toBeGreaterThan(0);
  });
});

describe("series", () => {
  test("are hidden and shown alone, and the address has it", async () => {
    const page = await open(`/analysis?${within}&m=count&by=source`);
    await heading(page, /count by source/).waitFor();
    await page.getByRole("button", { name: "Show auth", pressed: true }).click();
    await page.getByText("1 of 6 series is hidden.").waitFor();
    expect(parameters(page).getAll("hide")).toEqual(["auth"]);
    await expect.poll(() => chart(page).getAttribute("aria-valuetext")).not.toContain("auth");
    await page.getByRole("button", { name: "Only billing" }).click();
    await expect.poll(() => chart(page).getAttribute("aria-label")).toContain("chart of 1 series");
    await page.reload();
    await page.getByText("5 of 6 series are hidden.").waitFor();
    await page.getByRole("button", { name: "Show auth", pressed: false }).click();
    await page.getByText("4 of 6 series are hidden.").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await expect.poll(() => chart(page).getAttribute("aria-label")).toContain("chart of 6 series");
    expect(parameters(page).has("hide") || parameters(page).has("only")).toBe(false);
  });

  test("are sorted by any column", async () => {
    const page = await open(`/analysis?${within}&m=count&m=uniq:actorId&by=eventType&draw=table&bucket=none`);
    await heading(page, /by eventType/).waitFor();
    await page.getByRole("button", { name: "eventType", exact: true }).click();
    const names = async () => (await groups(page).getByRole("rowheader").allInnerTexts()).slice(0, -2);
    await expect.poll(names).toEqual([...(await names())].sort());
    expect(await page.getByRole("columnheader", { name: "eventType" }).getAttribute("aria-sort")).toBe("ascending");
    await page.getByRole("button", { name: "distinct actorId" }).click();
    await page.waitForURL((url) => url.searchParams.get("sort") === "-m1");
    await expect
      .poll(() => page.getByRole("columnheader", { name: "distinct actorId" }).getAttribute("aria-sort"))
      .toBe("descending");
  });

  test("that are many leave the chart readable", async () => {
    const page = await open(`/analysis?${within}&m=count&by=actorId&top=200&bucket=1d&draw=bars`);
    await page.getByText("The chart has the 40 largest of").waitFor();
    await page.getByRole("button", { name: /^Show all 20\d groups/ }).click();
    await expect.poll(() => groups(page).getByRole("row").count()).toBeGreaterThan(200);
    await screenshot(page, "analysis-many-light");
  });

  test("of values that don't add up are not stacked", async () => {
    const page = await open(
      `/analysis?${within}&m=count&m=p95:payload.latency_ms&by=payload.region&draw=bars&vs=previous`,
      {
        dark: true,
      },
    );
    await page.getByText("don’t add up").waitFor();
    await accessible(page);
    await screenshot(page, "analysis-bars-dark");
  });
});

describe("tables", () => {
  test("are the charts in words", async () => {
    const page = await open(
      `/analysis?${within}&m=count&m=p95:payload.latency_ms&by=severity&bucket=6h&draw=table&vs=previous`,
      {
        dark: true,
      },
    );
    const byTime = page.getByRole("region", { name: "By time" });
    await byTime.getByRole("columnheader", { name: "CRITICAL" }).waitFor();
    await accessible(page);
    await screenshot(page, "analysis-table-dark");
    await page.keyboard.press("d");
    await plot(page).first().waitFor();
    expect(parameters(page).get("draw")).toBe("lines");
  });
});

describe("what is taken along", () => {
  test("a CSV has what the chart has, and no formula", async () => {
    const marker = `analysis-${Date.now()}`;
    const events = ['=HYPERLINK("http://x","y")', "a,b", "plain"].map((source, i) => ({
      eventId: `${marker}-${i}`,
      eventType: "test.analysis",
      source,
      payload: { marker },
    }));
    await publish(events);
    const page = await open(
      `/analysis?q=payload.marker:${marker}&from=now-1h&tz=Asia%2FKolkata&m=count&by=source&bucket=none`,
    );
    // They are searchable a moment later.
    await expect
      .poll(
        async () => {
          await page.getByRole("button", { name: "Refresh" }).click();
          return page.locator(".rankbar-link").count();
        },
        { timeout: 20_000, interval: 300 },
      )
      .toBe(3);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download as CSV" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^count-by-source-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
    const text = await readFile(await file.path(), "utf8");
    expect(text.split("\r\n").sort()).toEqual(
      ["", '"\'=HYPERLINK(""http://x"",""y"")",1', '"a,b",1', "plain,1", "source,count"].sort(),
    );

    await page.getByLabel("Every").selectOption("1m");
    await heading(page, /every minute/).waitFor();
    const timed = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download as CSV" }).click();
    const lines = (await readFile(await (await timed).path(), "utf8")).split("\r\n");
    expect(lines[0]).toBe("start,source,count");
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\+05:30,/);
    expect(lines.filter((line) => line.endsWith(",1"))).toHaveLength(3);
  });

  test.each([
    ["lines", "m=count&m=p95:payload.latency_ms&by=eventType&top=6&bucket=3h&vs=previous", false],
    ["ranked", "m=count&by=eventType&bucket=none&vs=previous", true],
  ])("a PNG has the chart with its title and legend: %s", async (name, asked, dark) => {
    const page = await open(`/analysis?${within}&q=category:(api OR auth)&${asked}`, { dark });
    await heading(page, /by eventType/).waitFor();
    if (name === "lines") await plot(page).nth(1).waitFor();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download as PNG" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/\.png$/);
    const path = await file.path();
    const bytes = await readFile(path);
    expect(bytes.subarray(1, 4).toString()).toBe("PNG");
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    expect(width).toBeGreaterThan(640);
    // Two charts of 240 pixels, or bars, and what stands around them.
    expect(height).toBeGreaterThan(name === "lines" ? 600 : 300);
    await copyFile(path, join(import.meta.dirname, "screenshots", `analysis-png-${name}.png`));
  });
});

describe("what goes wrong", () => {
  const refused = [/status of 400/];

  test("is said where it is", async () => {
    const page = await open(`/analysis?${within}&q=(a`, { expected: refused });
    await page.getByText("this parenthesis is never closed").first().waitFor();
    await page.goto(`/analysis?${within}&m=count&m=sum:actorId`);
    await page.getByRole("alert").filter({ hasText: "sum needs a number, which actorId is not" }).waitFor();
    expect(await page.getByLabel("Measure 2", { exact: true }).getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByLabel("Measure 1", { exact: true }).getAttribute("aria-invalid")).toBe("false");
    await accessible(page);
    await screenshot(page, "analysis-fault-light");
    await page.goto(`/analysis?${within}&m=count&by=nosuch`);
    await page.getByRole("group", { name: "Group by" }).getByRole("alert").filter({ hasText: "nosuch" }).waitFor();
    await page.goto(`/analysis?${within}&m=count&bucket=1s`);
    await page.getByRole("group", { name: "Time" }).getByRole("alert").filter({ hasText: "10000 buckets" }).waitFor();
    await page.goto("/analysis?from=all&m=count&vs=previous");
    await page.getByRole("group", { name: "Time" }).getByRole("alert").filter({ hasText: "needs from" }).waitFor();
    await page.getByLabel("Compare with the period before").uncheck();
    await plot(page).waitFor();
  });

  test("finding nothing says what to do", async () => {
    const page = await open(`/analysis?${within}&q=nosuchwordanywhere`);
    await page.getByText("Nothing was found", { exact: true }).last().waitFor();
    await accessible(page);
    await page.getByRole("button", { name: "Clear the search" }).click();
    await plot(page).waitFor();
  });

  test("a measure without its field asks for it", async () => {
    const page = await open(`/analysis?${within}&m=max`);
    await page.getByText("Choose what to measure").waitFor();
    await accessible(page);
    await page.getByRole("combobox", { name: "Field of measure 1" }).fill("payload.latency_ms");
    await page.getByRole("combobox", { name: "Field of measure 1" }).press("Enter");
    await heading(page, /^max of payload.latency_ms/).waitFor();
  });
});

describe("a server with narrow limits, which goes away", () => {
  let node: Node;
  beforeAll(async () => {
    node = await newNode({ DAYBOOK_QUERY_MAX_ROWS_READ: "500" });
    await node.start();
    await node.run(["generate", "--to", "kafka", "--events", "5000", "--days", "2", "--tenants", "1", "--seed", "3"]);
  });
  afterAll(() => node?.remove());

  test("a limit says what to change, and a server that is away is waited for", async () => {
    const key = await node.key("tenant_0000", "events:read");
    const expected = [/status of 422/, /status of 5\d\d/, /ERR_CONNECTION/, /Failed to fetch/];
    const page = await open("/analysis?m=uniq:actorId&by=actorId&top=100&from=now-2d", {
      url: node.url,
      key,
      expected,
    });
    await page.getByText("This asks for too much at once").waitFor();
    await page.getByText("query.max_rows_read").waitFor();
    await accessible(page);
    await screenshot(page, "analysis-limit-light");
    await page.getByRole("button", { name: "Count the whole time as one" }).click();
    expect(parameters(page).get("bucket")).toBe("none");
    await page.getByRole("button", { name: "The top 10 groups" }).click();
    expect(parameters(page).has("top")).toBe(false);

    await page.goto(`${node.url}/analysis?q=nosuchword&from=now-1m`);
    await heading(page, /^count by severity/).waitFor();
    await node.stop();
    await page.getByRole("button", { name: "Refresh" }).click();
    const away = page.getByRole("alert").filter({ hasText: "Daybook can't be reached. The figures are from before" });
    await away.waitFor();
    await accessible(page);
    expect(await heading(page, /^count by severity/).count()).toBe(1);
    // What is asked anew has no figures from before, once the old ones are given up.
    await page.getByLabel("Every").selectOption("none");
    await page.getByRole("alert").filter({ hasText: "Daybook can't be reached" }).waitFor();
    await node.start();
    await heading(page, "count by severity").waitFor({ timeout: 60_000 });
    await page.getByRole("alert").waitFor({ state: "detached", timeout: 60_000 });
  });
});

describe("on a small screen", () => {
  test.each([false, true])("everything is there, dark: %s", async (dark) => {
    const page = await open(`/analysis?${within}&vs=previous`, { width: 400, height: 800, dark });
    await plot(page).waitFor();
    const wide = () =>
      page.evaluate(() =>
        Math.max(
          ...[document.documentElement, ...document.querySelectorAll("main")].map((e) => e.scrollWidth - e.clientWidth),
        ),
      );
    expect(await wide()).toBe(0);
    await accessible(page);
    await screenshot(page, `analysis-small-${dark ? "dark" : "light"}`);
    await page.getByText("Change what is computed").click();
    await page.getByLabel("Every").selectOption("1d");
    await heading(page, /every day/).waitFor();
    expect(await wide()).toBe(0);
    await accessible(page);

    // A finger that presses the chart sees the values first.
    await plot(page).scrollIntoViewIfNeeded();
    await plot(page).evaluate((element) => {
      const box = element.getBoundingClientRect();
      const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
      element.dispatchEvent(new MouseEvent("mousemove", at));
      element.dispatchEvent(new PointerEvent("click", { ...at, pointerType: "touch" }));
    });
    await page.getByRole("button", { name: "Show events" }).click();
    await atSearch(page);
    expect(parameters(page).get("from")).toMatch(/Z$/);
  });
});
