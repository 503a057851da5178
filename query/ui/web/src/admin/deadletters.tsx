import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client.ts";
import { useParams } from "../state/location.ts";
import { bytes, count } from "../state/numbers.ts";
import { localZone, second } from "../state/time.ts";
import { announce, copy } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty, Failed, Loading } from "../ui/state.tsx";
import { ReachSwitch, useEveryTenant } from "./reach.tsx";

/** A message of the topic that is no event, kept whole with the reason. */
export interface DeadLetter {
  id: string;
  tenantId: string | null; // whom the message names for certain
  topic: string;
  partition: number;
  offset: number;
  time: string;
  bytes: number;
  class: string;
  field: string;
  error: string;
  replayedAt: string | null;
  key?: string | null;
  value?: string | null; // in the list its beginning
  valueBase64?: string | null; // where it is no text
  headers?: { name: string; value?: string; valueBase64?: string }[];
}

const path = "/api/v1/deadletters";
const cached = ["deadletters"];

/** DeadLetters lists messages that are no events, shows each whole, and publishes them again. */
export function DeadLetters() {
  const [params, change] = useParams();
  const all = params.get("replayed") === "1";
  const everyTenant = useEveryTenant();
  const query = new URLSearchParams({ limit: "50" });
  if (!all) query.set("pending", "true");
  const letters = useInfiniteQuery({
    queryKey: [...cached, query.toString(), everyTenant],
    queryFn: ({ pageParam, signal }) => {
      const page = new URLSearchParams(query);
      if (pageParam) page.set("cursor", pageParam);
      return call<{ deadLetters: DeadLetter[]; nextCursor: string | null }>(path, {
        query: page,
        signal,
        everyTenant,
      });
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const [chosen, setChosen] = useState<string[]>([]);
  const list = letters.data?.pages.flatMap((page) => page.deadLetters) ?? [];
  return (
    <>
      <header className="admin-head">
        <h1>Dead letters</h1>
        <label className="admin-check">
          <input
            type="checkbox"
            checked={all}
            onChange={(event) => change({ replayed: event.target.checked ? "1" : null })}
          />
          also those that were published again
        </label>
        <ReachSwitch />
        <Replay ids={chosen} onDone={() => setChosen([])} />
      </header>
      <p className="muted">
        Messages that are no events are kept whole, with the reason. When what made them wrong is mended, publish them
        again.
      </p>
      {letters.isPending ? (
        <Loading what="the dead letters" />
      ) : letters.isError ? (
        <Failed error={letters.error} retry={() => letters.refetch()} />
      ) : list.length === 0 ? (
        <Empty title={all ? "There is no dead letter" : "No dead letter waits"}>
          <p>
            {everyTenant ? "Every message of the topic" : "Every message of the topic that names this tenant"} is an
            event.
          </p>
        </Empty>
      ) : (
        <LetterTable letters={list} chosen={chosen} onChosen={setChosen} />
      )}
      {letters.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={letters.isFetchingNextPage}
          onClick={() => void letters.fetchNextPage()}
        >
          Load more
        </button>
      )}
    </>
  );
}

function LetterTable({
  letters,
  chosen,
  onChosen,
}: {
  letters: DeadLetter[];
  chosen: string[];
  onChosen: (ids: string[]) => void;
}) {
  const [params, change] = useParams();
  const everyTenant = useEveryTenant();
  const open = params.get("letter");
  return (
    <div className="scrolled">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all that are shown"
                checked={chosen.length === letters.length}
                onChange={(event) => onChosen(event.target.checked ? letters.map((letter) => letter.id) : [])}
              />
            </th>
            <th scope="col">Time</th>
            {everyTenant && <th scope="col">Tenant</th>}
            <th scope="col">Why</th>
            <th scope="col">Message</th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">Published again</th>
          </tr>
        </thead>
        <tbody>
          {letters.map((letter) => (
            <tr key={letter.id}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${letter.id}`}
                  checked={chosen.includes(letter.id)}
                  onChange={(event) =>
                    onChosen(
                      event.target.checked ? [...chosen, letter.id] : chosen.filter((other) => other !== letter.id),
                    )
                  }
                />
              </td>
              <td className="mono admin-time">{second(letter.time, localZone())}</td>
              {everyTenant && <td>{letter.tenantId ?? <span className="muted">names none</span>}</td>}
              <td>
                {letter.field && <code>{letter.field}: </code>}
                {letter.error}
              </td>
              <td className="admin-message">
                <button type="button" className="button quiet mono" onClick={() => change({ letter: letter.id })}>
                  {letter.value ?? letter.valueBase64 ?? letter.id}
                </button>
              </td>
              <td className="number">{bytes(letter.bytes)}</td>
              <td className="mono admin-time">{letter.replayedAt ? second(letter.replayedAt, localZone()) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {open && <LetterDialog id={open} onClose={() => change({ letter: null })} />}
    </div>
  );
}

function LetterDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const everyTenant = useEveryTenant();
  const letter = useQuery({
    queryKey: [...cached, "one", id, everyTenant],
    queryFn: ({ signal }) => call<DeadLetter>(`${path}/${encodeURIComponent(id)}`, { signal, everyTenant }),
  });
  return (
    <Dialog title={`Dead letter ${id}`} onClose={onClose} wide>
      {letter.isPending ? (
        <Loading what="the message" />
      ) : letter.isError ? (
        <Failed error={letter.error} retry={() => letter.refetch()} />
      ) : (
        <>
          <p>
            {letter.data.field && <code>{letter.data.field}: </code>}
            {letter.data.error}
          </p>
          <p className="muted">
            {letter.data.topic}, partition {letter.data.partition}, offset {count(letter.data.offset)},{" "}
            {second(letter.data.time, localZone())}, {bytes(letter.data.bytes)}
            {letter.data.valueBase64 && ", shown in base64: it is no text"}
          </p>
          {letter.data.headers?.map((header) => (
            <div key={header.name} className="mono">
              {header.name}: {header.value ?? header.valueBase64}
            </div>
          ))}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls has to be reachable by keyboard. */}
          <pre className="admin-value" tabIndex={0}>
            {letter.data.value ?? letter.data.valueBase64}
          </pre>
          <div className="dialog-actions">
            <button
              type="button"
              className="button"
              onClick={() => void copy(letter.data.value ?? letter.data.valueBase64 ?? "", "the message")}
            >
              Copy
            </button>
            <Replay ids={[id]} onDone={onClose} />
          </div>
        </>
      )}
    </Dialog>
  );
}

function Replay({ ids, onDone }: { ids: string[]; onDone: () => void }) {
  const client = useQueryClient();
  const everyTenant = useEveryTenant();
  const replay = useMutation({
    mutationFn: () =>
      call<{ replayed: number }>(`${path}/replay`, { method: "POST", body: { ids, again: true }, everyTenant }),
    onSuccess: ({ replayed }) => {
      announce(`Published ${count(replayed)} again. Those that are still no events come back here.`);
      onDone();
    },
    onSettled: () => client.invalidateQueries({ queryKey: cached }),
  });
  return (
    <>
      {replay.error && <span role="alert">{replay.error.message}</span>}
      <button
        type="button"
        className="button primary"
        disabled={ids.length === 0 || replay.isPending}
        onClick={() => replay.mutate()}
      >
        Publish {ids.length > 1 ? `${count(ids.length)} again` : "again"}
      </button>
    </>
  );
}
