import { defineConfig } from "vitest/config";

// Tests in a real Chromium against a real node, one file after the other: they share both.
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    globalSetup: ["e2e/stack.ts"],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
