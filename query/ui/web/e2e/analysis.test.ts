import { describe, expect, test } from "vitest";
import {
  ask,
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
  within,
  written,
} from "./analysis.ts";
import { accessible, open, screenshot } from "./browser.ts";

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
    // The title is right before the comparison is there.
    await page.getByText(/^compared with/).waitFor();
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
