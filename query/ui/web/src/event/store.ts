import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { request } from "../api/client.ts";
import { useSession } from "../api/session.tsx";
import type { Event } from "../api/types.ts";

/** An event, and the text that the server answered with: numbers stand there as they were sent. */
export interface Stored {
  text: string;
  event: Event;
}

function addressOf(id: string): string {
  return `/api/v1/events/${encodeURIComponent(id)}`;
}

/** useEvent returns an event by its id. The one before stays until the new one is there; a call that nobody waits for ends. */
export function useEvent(id: string) {
  const { tenant } = useSession();
  return useQuery({
    queryKey: ["event", tenant, id],
    queryFn: async ({ signal }): Promise<Stored> => {
      const text = await (await request(addressOf(id), { signal })).text();
      return { text, event: JSON.parse(text) as Event };
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY, // Events don't change.
    gcTime: 60_000,
  });
}
