import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { headers, Problem } from "../api/client.ts";
import { useSession } from "../api/session.tsx";
import { EventPanel } from "../event/panel.tsx";
import { FilterBar } from "../filterbar/filterbar.tsx";
import { queryOf, useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { useShortcut } from "../ui/shortcuts.tsx";
import { Empty, Failed } from "../ui/state.tsx";
import { Link, lines } from "./link.ts";
import { LiveList } from "./list.tsx";
import type { Phase, Wanted } from "./protocol.ts";
import { StatusBar } from "./status.tsx";
import { LiveStore, type Screen } from "./store.ts";
import "./live.css";

// One line to the hub for as long as the page is open: joining and leaving streams is said on it.
let link: Link | undefined;

function newStore(): LiveStore {
  link ??= new Link(lines);
  return new LiveStore({ link, now: () => Date.now(), frame: (run) => requestAnimationFrame(run) });
}

/** LiveView is the events that match the filter in the address, as they come. */
export default function LiveView() {
  const who = useSession();
  const [filter] = useFilter();
  const [store] = useState(newStore);
  const screen = useSyncExternalStore(store.subscribe, store.screen);
  // What comes has no range of time but its own: the filter's is left out, and so is the archive.
  const query = queryOf({ ...filter, from: "", to: "", include: "" }).toString();
  const wanted = useMemo<Wanted>(
    () => ({ who: `${who.keyId} ${who.tenant}`, headers: headers(), query }),
    [who.keyId, who.tenant, query],
  );
  useEffect(() => store.start(wanted), [store, wanted]);
  useLeaving(store);
  useShortcut(["p", " "], "pause or resume the live stream", () => store.toggle());

  const [params, change] = useParams();
  const opened = params.get("event") ?? "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: Rows come all the time; it is looked for when it is opened.
  const at = useMemo(() => (opened ? store.numberOf(opened) : -1), [store, opened, wanted]);
  const open = (id: string) => change({ event: id, compare: null }, { replace: opened !== "" });
  const beside = (by: 1 | -1) => (at < 0 ? undefined : store.event(store.after(at, by))?.eventId);

  const refused = useRefusal(screen.phase);
  const retry = useCallback(() => store.retry(), [store]);
  return (
    <div className="live-frame">
      <div className="live">
        <h1 className="hidden-text">Live</h1>
        <FilterBar error={refused} withTime={false} onAgain={retry} />
        <StatusBar store={store} screen={screen} />
        {screen.next === screen.first && screen.phase.name !== "live" ? (
          <Nothing phase={screen.phase} refused={refused} retry={retry} />
        ) : (
          <LiveList store={store} screen={screen} zone={filter.tz} at={at} onOpen={open} />
        )}
      </div>
      <EventPanel previous={beside(-1)} next={beside(1)} />
    </div>
  );
}

/** useLeaving gives the connection up when the browser puts the page away, and takes it up again when it comes back. */
function useLeaving(store: LiveStore) {
  useEffect(() => {
    const leave = () => store.leave();
    const back = (event: PageTransitionEvent) => event.persisted && store.back();
    const online = () => store.retry();
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", back);
    window.addEventListener("online", online);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", back);
      window.removeEventListener("online", online);
    };
  }, [store]);
}

/** useRefusal returns why the server refuses the stream. Where nobody is signed in, it has that noticed. */
function useRefusal(phase: Phase): Problem | undefined {
  const refused = useMemo(
    () => (phase.name === "refused" ? new Problem(phase.refusal.status, phase.refusal.body) : undefined),
    [phase],
  );
  useEffect(() => {
    if (refused?.status === 401) window.dispatchEvent(new Event("daybook:signed-out"));
  }, [refused]);
  return refused;
}

function Nothing({
  phase,
  refused,
  retry,
}: {
  phase: Screen["phase"];
  refused: Problem | undefined;
  retry: () => void;
}) {
  if (refused) return <Failed error={refused} retry={retry} />;
  if (phase.name === "full")
    return (
      <Empty title={`This browser has ${phase.limit} live streams open already`}>
        <p>
          More would take the connections that its other tabs need. Close a tab that shows another filter live, or use
          the same filter here: then the stream is shared. This view begins by itself as soon as there is room.
        </p>
      </Empty>
    );
  return <Empty title={phase.name === "connecting" ? "Connecting …" : "There is no connection at the moment"} />;
}
