// How a page or a worker learns that another one has ended, however it ended: a lock that it held is free. Browsers
// have locks in secure contexts alone (TLS, or this machine); elsewhere there is only silence to be noticed.

/** hold takes a lock for as long as this page or worker lives, and tells its name once it has it. */
export function hold(tell: (name: string) => void) {
  if (!navigator.locks) return;
  const name = `daybook ${crypto.randomUUID()}`;
  const forever = new Promise<never>(() => {});
  navigator.locks
    .request(name, () => {
      tell(name);
      return forever;
    })
    .catch(() => undefined); // Then it is as where there are none.
}

/** whenEnded calls back when whoever holds a lock has ended. */
export function whenEnded(name: string, then: () => void) {
  if (navigator.locks) void navigator.locks.request(name, then).catch(() => undefined);
}
