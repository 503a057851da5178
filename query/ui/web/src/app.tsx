import { lazy, Suspense, useEffect, useState } from "react";
import { useSession } from "./api/session.tsx";
import type { Scope } from "./api/types.ts";
import { startAddress } from "./presets/store.ts";
import { SearchView } from "./search/view.tsx";
import { sameFilterAt } from "./state/filter.ts";
import { go, useParams, usePath } from "./state/location.ts";
import { Announcer } from "./ui/announce.tsx";
import { Crash } from "./ui/crash.tsx";
import { Link } from "./ui/link.tsx";
import { ShortcutList, useShortcut } from "./ui/shortcuts.tsx";
import { Empty, Loading } from "./ui/state.tsx";
import "./app.css";

// The first view is in the first script; each other one comes when it is opened.
const LiveView = lazy(() => import("./live/view.tsx"));
const AnalysisView = lazy(() => import("./analysis/view.tsx"));
const PresetsView = lazy(() => import("./presets/view.tsx"));
const AuditView = lazy(() => import("./audit/view.tsx"));
const AdminView = lazy(() => import("./admin/view.tsx"));

interface Place {
  path: string;
  name: string;
  key: string;
  scope: Scope;
}

const places: Place[] = [
  { path: "/", name: "Search", key: "1", scope: "events:read" },
  { path: "/live", name: "Live", key: "2", scope: "events:read" },
  { path: "/analysis", name: "Analysis", key: "3", scope: "events:read" },
  { path: "/presets", name: "Presets", key: "4", scope: "events:read" },
  { path: "/audit", name: "Audit", key: "5", scope: "audit:read" },
  { path: "/admin", name: "Admin", key: "6", scope: "admin" },
];

/** App is the frame around the views: where one is, where one can go, who one is. */
export function App() {
  const path = usePath();
  const [params] = useParams();
  const who = useSession();
  const here = places.find((place) =>
    place.path === "/" ? path === "/" : path === place.path || path.startsWith(`${place.path}/`),
  );

  useEffect(() => {
    document.title = here ? `${here.name} · Daybook` : "Daybook";
  }, [here]);

  // Once: who takes the preset out later means it.
  const [start] = useState(() => startAddress(who.tenant, path, params));
  useEffect(() => {
    if (start) go(start, { replace: true });
  }, [start]);

  return (
    <div className="app">
      <header className="app-head">
        <span className="app-name">Daybook</span>
        <nav aria-label="Views" className="app-nav">
          {places
            .filter((place) => who.may(place.scope))
            .map((place) => (
              <PlaceLink
                key={place.path}
                place={place}
                address={sameFilterAt(place.path, params)}
                here={place === here}
              />
            ))}
        </nav>
        <span className="app-who">
          <span className="muted" title={`Key ${who.keyId}`}>
            {who.tenant}
            {who.name && ` · ${who.name}`}
          </span>
          <a href="/docs" className="button quiet">
            API
          </a>
          <button type="button" className="button quiet" onClick={() => void who.signOut()}>
            Sign out
          </button>
        </span>
      </header>
      <Offline />
      <main className="app-main">
        <Crash key={path}>
          <Suspense fallback={<Loading what={here?.name ?? "the page"} />}>
            {here && who.may(here.scope) ? <View place={here} /> : <Nowhere known={here} />}
          </Suspense>
        </Crash>
      </main>
      <ShortcutList />
      <Announcer />
    </div>
  );
}

function PlaceLink({ place, address, here }: { place: Place; address: string; here: boolean }) {
  useShortcut(place.key, `open ${place.name}`, () => go(address));
  return (
    <Link to={address} className="button quiet" aria-current={here ? "page" : undefined}>
      {place.name}
    </Link>
  );
}

function View({ place }: { place: Place }) {
  switch (place.path) {
    case "/live":
      return <LiveView />;
    case "/analysis":
      return <AnalysisView />;
    case "/presets":
      return <PresetsView />;
    case "/audit":
      return <AuditView />;
    case "/admin":
      return <AdminView />;
    default:
      return <SearchView />;
  }
}

function Nowhere({ known }: { known: Place | undefined }) {
  return (
    <Empty title={known ? `Your key may not open ${known.name}` : "There is no such page"}>
      {known && (
        <p>
          It needs the scope <code>{known.scope}</code>. An admin of your tenant can make a key that has it.
        </p>
      )}
      <Link to="/" className="button">
        Go to Search
      </Link>
    </Empty>
  );
}

/** Offline is a line that says so while the browser has no network. */
function Offline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);
  if (online) return null;
  return (
    <p className="app-offline" role="alert">
      You are offline. What you see stays; the page goes on when the network is back.
    </p>
  );
}
