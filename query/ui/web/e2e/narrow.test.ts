import { expect, test } from "vitest";
import { accessible, open, screenshot } from "./browser.ts";

const views = {
  live: "/live",
  analysis: "/analysis?from=now-7d",
  presets: "/presets",
  audit: "/audit",
  keys: "/admin",
  deadletters: "/admin/deadletters",
  status: "/admin/status",
};

for (const [name, address] of Object.entries(views))
  test(`on a phone nothing of ${name} lies beyond the edge`, async () => {
    const page = await open(address, { width: 400, height: 800 });
    await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
    await expect.poll(() => page.getByText(/^(Loading|Connecting)/).count()).toBe(0);
    await accessible(page);
    await screenshot(page, `${name}-narrow`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
  });
