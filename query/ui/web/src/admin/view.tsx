import { sameFilterAt } from "../state/filter.ts";
import { useParams, usePath } from "../state/location.ts";
import { Link } from "../ui/link.tsx";
import { Empty } from "../ui/state.tsx";
import { DeadLetters } from "./deadletters.tsx";
import { Holds } from "./holds.tsx";
import { Keys } from "./keys.tsx";
import { Status } from "./status.tsx";
import "./admin.css";

const parts = [
  { path: "/admin", name: "Keys", Part: Keys },
  { path: "/admin/deadletters", name: "Dead letters", Part: DeadLetters },
  { path: "/admin/holds", name: "Legal holds", Part: Holds },
  { path: "/admin/status", name: "Status", Part: Status },
];

/** AdminView is what admins manage: keys, dead letters, legal holds, and how ingest and retention are. */
export default function AdminView() {
  const path = usePath();
  const [params] = useParams();
  const here = parts.find((part) => part.path === path);
  return (
    <div className="page">
      <nav className="admin-nav" aria-label="Admin">
        {parts.map((part) => (
          <Link
            key={part.path}
            to={sameFilterAt(part.path, params, { reach: params.get("reach") })}
            className="button quiet"
            aria-current={part === here ? "page" : undefined}
          >
            {part.name}
          </Link>
        ))}
      </nav>
      {here ? <here.Part /> : <Empty title="There is no such page" />}
    </div>
  );
}
