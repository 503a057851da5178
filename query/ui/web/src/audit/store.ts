import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { Json } from "../api/types.ts";

/** What the audit view shows: as in the address. */
export interface AuditFilter {
  page: number;
  type: string;
  user: string;
  since: string; // a date or time, ISO 8601; "" is the beginning
  until: string;
}

/** How many records a page has. */
export const pageSize = 50;

export interface AuditRecord {
  id: string;
  user_id: string | null;
  user_email: string | null;
  event_type: string;
  event_data: Json;
  ip_address: string | null;
  user_agent: string | null;
  created_at: string;
}

export interface AuditPage {
  audit_logs: AuditRecord[];
  pagination: { page: number; limit: number; total: number; total_pages: number };
}

export function auditFilterOf(params: URLSearchParams): AuditFilter {
  const page = Number.parseInt(params.get("page") ?? "1", 10);
  return {
    page: page > 0 ? page : 1,
    type: params.get("type") ?? "",
    user: params.get("user") ?? "",
    since: params.get("since") ?? "",
    until: params.get("until") ?? "",
  };
}

/** useAudit returns a page of the audit log. Reading it is itself recorded there. */
export function useAudit(filter: AuditFilter) {
  const query = new URLSearchParams({ page: String(filter.page), limit: String(pageSize) });
  const set = { event_type: filter.type, user_id: filter.user, start_date: filter.since, end_date: filter.until };
  for (const [name, value] of Object.entries(set)) if (value) query.set(name, value);
  return useQuery({
    queryKey: ["audit", query.toString()],
    queryFn: ({ signal }) => call<AuditPage>("/api/audit", { query, signal }),
    placeholderData: keepPreviousData,
  });
}

/** useAuditTypes returns the event types of the audit log with their counts, the most frequent first. */
export function useAuditTypes() {
  return useQuery({
    queryKey: ["audit", "types"],
    queryFn: ({ signal }) =>
      call<{ event_types: { event_type: string; count: number }[] }>("/api/audit/events", { signal }).then(
        (answer) => answer.event_types,
      ),
  });
}
