import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call, Problem } from "../api/client.ts";
import { useSession } from "../api/session.tsx";
import type { Aggregate, Aggregation } from "../api/types.ts";
import type { Filter } from "../state/filter.ts";
import { requestOf } from "./request.ts";
import type { Analysis } from "./state.ts";

/** Answered is an answer with what was asked, which is no longer the address's while the next one is on its way. */
export interface Answered {
  answer: Aggregate;
  analysis: Analysis;
  zone: string;
}

/** useAggregate returns the answer to an analysis of what the filter finds; nothing is asked while it is null. */
export function useAggregate(filter: Filter, analysis: Analysis | null) {
  const { tenant } = useSession();
  const body: Aggregation | null = analysis && requestOf(filter, analysis);
  return useQuery({
    queryKey: ["aggregate", tenant, body],
    queryFn: async ({ signal }): Promise<Answered> => ({
      answer: await call<Aggregate>("/api/v1/events/aggregate", { method: "POST", body, signal }),
      analysis: analysis as Analysis,
      zone: filter.tz,
    }),
    enabled: body !== null,
    placeholderData: keepPreviousData,
    // Comparing thousands of points to keep equal ones costs more than it saves.
    structuralSharing: false,
    staleTime: 10_000,
    // A server that is away comes back.
    refetchInterval: ({ state: { error } }) =>
      error && !(error instanceof Problem && error.status !== 503) ? 5_000 : false,
  });
}
