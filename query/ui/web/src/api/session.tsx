import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useParams } from "../state/location.ts";
import { SignIn } from "../ui/signin.tsx";
import { Failed, Loading } from "../ui/state.tsx";
import { TenantChoice } from "../ui/tenantchoice.tsx";
import { actFor, call, Problem, sessionPath } from "./client.ts";
import type { Scope, Session } from "./types.ts";

/** allTenants is the tenant of a key that may act for each. */
export const allTenants = "*";

/** signIn makes a session of a key: a cookie that scripts can't read. */
export function signIn(key: string): Promise<Session> {
  return call<Session>(sessionPath, { method: "POST", body: { key } });
}

/**
 * takeFragmentKey takes the key out of the address, where the link of `make run` puts it: #key=…, which
 * browsers send nowhere. The address is stripped at once, so that neither history nor a copied link has it.
 */
export function takeFragmentKey(): string | null {
  const key = new URLSearchParams(window.location.hash.slice(1)).get("key");
  if (key !== null) window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return key;
}

interface Who extends Session {
  tenant: string; // that the page shows
  may: (scope: Scope) => boolean;
  signOut: () => Promise<void>;
}

const Context = createContext<Who | null>(null);

/** useSession returns who is signed in. */
export function useSession(): Who {
  const who = useContext(Context);
  if (!who) throw new Error("useSession outside of SessionGate");
  return who;
}

/** SessionGate shows its children to who is signed in, and the way in to everybody else. */
export function SessionGate({ fragmentKey, children }: { fragmentKey: string | null; children: ReactNode }) {
  const client = useQueryClient();
  const [params] = useParams();
  const [key, setKey] = useState(fragmentKey);
  const session = useQuery({
    queryKey: ["session"],
    queryFn: () => (key ? signIn(key).finally(() => setKey(null)) : call<Session>(sessionPath)),
    retry: (failures, error) => !(error instanceof Problem && error.status < 500) && failures < 3,
    staleTime: Number.POSITIVE_INFINITY,
  });

  useEffect(() => {
    const ended = () => client.invalidateQueries({ queryKey: ["session"] });
    window.addEventListener("daybook:signed-out", ended);
    return () => window.removeEventListener("daybook:signed-out", ended);
  }, [client]);

  const refused = session.error instanceof Problem && session.error.status === 401;
  if (refused)
    return (
      <SignIn
        wrongKey={fragmentKey !== null && session.data === undefined}
        onDone={(done) => {
          // What another key has seen is not for this one.
          client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
          client.setQueryData(["session"], done);
        }}
      />
    );
  if (session.isPending) return <Loading what="your session" />;
  if (!session.data) return <Failed error={session.error} retry={() => session.refetch()} />;

  const who = session.data;
  const tenant = who.tenantId === allTenants ? (params.get("tenant") ?? "") : who.tenantId;
  actFor(who.tenantId === allTenants ? tenant : "");
  const signOut = async () => {
    await call(sessionPath, { method: "DELETE" });
    client.clear();
    window.location.assign("/");
  };
  if (!tenant) return <TenantChoice signOut={signOut} />;
  const may = (scope: Scope) => who.scopes.includes(scope) || who.scopes.includes("admin");
  return <Context.Provider value={{ ...who, tenant, may, signOut }}>{children}</Context.Provider>;
}
