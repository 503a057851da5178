import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  atSearch,
  chart,
  end,
  found,
  groups,
  heading,
  hour,
  numbersOf,
  parameters,
  plot,
  range,
  valueAt,
  within,
  written,
} from "./analysis.ts";
import { accessible, open, publish, screenshot } from "./browser.ts";
import { type Node, newNode } from "./node.ts";

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
    const kept = join(import.meta.dirname, "screenshots");
    await mkdir(kept, { recursive: true });
    await copyFile(path, join(kept, `analysis-png-${name}.png`));
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

    // Of a time that no event is in, no row is read.
    await page.goto(`${node.url}/analysis?from=now%2B1d&to=now%2B2d`);
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
