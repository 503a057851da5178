import type { TestProject } from "vitest/node";
import { newNode } from "./node.ts";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    adminUrl: string;
    kafka: string; // its broker
    bootstrap: string;
    tenant: string; // that most of the events are of
    key: string; // an admin of it
    readerKey: string; // only reads its events
    briefKey: string; // an admin of the tenant brief, whose events are shown for a day
  }
}

/** How many events of how many days the node of all tests has. */
const events = 20_000;
const days = 7;

/** The node that the tests share: started before the first, with generated events, and removed after the last. */
export default async function setup(project: TestProject) {
  const node = await newNode({ DAYBOOK_RETENTION_TENANTS: "[{tenant: brief, days: 1}]" });
  await node.start();
  await node.run([
    "generate",
    "--to",
    "kafka",
    "--events",
    String(events),
    "--days",
    String(days),
    "--tenants",
    "2",
    "--seed",
    "7",
  ]);
  const tenant = "tenant_0000";
  const key = await node.key(tenant, "admin");
  const readerKey = await node.key(tenant, "events:read");
  project.provide("url", node.url);
  project.provide("adminUrl", node.adminUrl);
  project.provide("kafka", node.kafka);
  project.provide("bootstrap", node.bootstrap);
  project.provide("tenant", tenant);
  project.provide("key", key);
  project.provide("readerKey", readerKey);
  project.provide("briefKey", await node.key("brief", "admin"));
  return () => node.remove();
}
