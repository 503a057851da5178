import { allTenants, useSession } from "../api/session.tsx";
import { useParams } from "../state/location.ts";

/** useEveryTenant says whether what is managed is that of every tenant, which keys of every tenant may choose. */
export function useEveryTenant(): boolean {
  const [params] = useParams();
  return useSession().tenantId === allTenants && params.get("reach") === "all";
}

/** ReachSwitch lets a key of every tenant choose between the one that the page shows and all of them. */
export function ReachSwitch() {
  const [, change] = useParams();
  const { tenant, tenantId } = useSession();
  const every = useEveryTenant();
  if (tenantId !== allTenants) return null;
  return (
    <label className="admin-check">
      <input
        type="checkbox"
        checked={every}
        onChange={(event) => change({ reach: event.target.checked ? "all" : null })}
      />
      of every tenant, not only {tenant}
    </label>
  );
}
