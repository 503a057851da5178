import { useEffect, useState } from "react";

/**
 * useLate is true once `on` has been so for a while: what shows that people have to wait is left out where the answer
 * comes before they notice, and its painting doesn't keep the answer waiting.
 */
export function useLate(on: boolean, ms = 150): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) return;
    const timer = setTimeout(() => setLate(true), ms);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [on, ms]);
  return on && late;
}
