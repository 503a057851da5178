import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lookAt } from "./look.ts";

const tokens = readFileSync(join(import.meta.dirname, "../../styles/tokens.css"), "utf8");

/** both returns a token's colours in the light and in the dark. */
function both(token: string): [string, string] {
  const found = new RegExp(`${token}: light-dark\\((#\\w+), (#\\w+)\\)`).exec(tokens);
  if (!found) throw new Error(`there is no token ${token}`);
  return [found[1] as string, found[2] as string];
}

/** luminance is the relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe("the colours of series", () => {
  const series = [...Array.from({ length: 8 }, (_, n) => lookAt(n).line), "--series-other"];
  const severities = ["--info", "--warn", "--error", "--critical"];
  it.each([...series, ...severities])("%s has 4.5:1 on what charts stand on", (token) => {
    const surface = both("--surface");
    both(token).forEach((colour, theme) => {
      expect(contrast(colour, surface[theme] as string)).toBeGreaterThanOrEqual(4.5);
    });
  });
  it("are eight, and then the shapes change", () => {
    expect(new Set(series).size).toBe(9);
    expect(lookAt(8).line).toBe(lookAt(0).line);
    expect(lookAt(8).shape).not.toBe(lookAt(0).shape);
  });
});
