/** The call by which a browser signs in, asks who it is, and signs out. */
export const sessionPath = "/api/v1/session";

/** One fault of a request: of which field, and at which byte of it. */
export interface Fault {
  field: string;
  message: string;
  position?: number;
}

/** An answer that is no success, as RFC 9457 and Daybook describe it. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly faults: Fault[];
  readonly requestId: string;

  constructor(
    status: number,
    body: Partial<{ type: string; detail: string; title: string; requestId: string; errors: Fault[] }>,
  ) {
    super(body.detail ?? body.title ?? `the server answered ${status}`);
    this.name = "Problem";
    this.status = status;
    this.type = body.type ?? "";
    this.faults = body.errors ?? [];
    this.requestId = body.requestId ?? "";
  }

  /** The fault of a field, if that is what the problem is about. */
  of(field: string): Fault | undefined {
    return this.faults.find((fault) => fault.field === field);
  }
}

/** The server can't be reached: it is away, or the network is. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("Daybook can't be reached", { cause });
    this.name = "Unreachable";
  }
}

let tenant = "";

/** actFor makes calls name the tenant: with a key of every tenant each call has to. */
export function actFor(name: string) {
  tenant = name;
}

/** The headers that every call carries, for calls that don't go through `call`. */
export function headers(): Record<string, string> {
  return tenant ? { "X-Tenant-Id": tenant } : {};
}

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: URLSearchParams;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  everyTenant?: boolean; // with a key of every tenant: not of the one that the page shows alone
}

/** request makes a call and returns its answer where that is a success; it throws Problem, Unreachable or an AbortError. */
export async function request(path: string, options: CallOptions = {}): Promise<Response> {
  const query = options.query?.toString();
  const init: RequestInit = {
    method: options.method ?? "GET",
    headers: { ...(options.everyTenant ? {} : headers()), ...options.headers },
    credentials: "same-origin",
    signal: options.signal ?? null,
  };
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(query ? `${path}?${query}` : path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable(error);
  }
  if (response.ok) return response;
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  // Whoever signs in with a wrong key is told there; anything else that is refused means that the session has ended.
  if (problem.status === 401 && path !== sessionPath) window.dispatchEvent(new Event("daybook:signed-out"));
  throw problem;
}

/** call makes a call whose answer is JSON, or none. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}
