import { Problem, Unreachable } from "../api/client.ts";
import { useParams } from "../state/location.ts";
import { Empty, Failed } from "../ui/state.tsx";
import type { Analysis } from "./state.ts";

/** Faults of these are said beside what is at fault. */
const marked = /^(filter\.q|groupBy|metrics\[\d+\]|bucket|compare|top)$/;

/** Interrupted says that what is shown is from before, and why. */
export function Interrupted({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <p role="alert" className="analysis-unsure analysis-interrupted">
      {error instanceof Unreachable
        ? "Daybook can't be reached. The figures are from before; the page tries again by itself."
        : `${error.message}. The figures are from before.`}
      <button type="button" className="button" onClick={retry}>
        Try again
      </button>
    </p>
  );
}

/** Trouble says why there is no answer, and what to change where the analysis asks for too much. */
export function Trouble({ error, analysis, retry }: { error: unknown; analysis: Analysis; retry: () => void }) {
  const [, change] = useParams();
  if (!(error instanceof Problem)) return <Failed error={error} retry={retry} />;
  if (error.status === 400)
    return (
      <Empty title="This can't be computed as it stands">
        {error.faults.length > 0 && error.faults.every(({ field }) => marked.test(field)) ? (
          <p>Mend what is marked above, and the figures follow.</p>
        ) : (
          <p>{error.message}</p>
        )}
      </Empty>
    );
  if (error.status !== 422) return <Failed error={error} retry={retry} />;
  const grouped = analysis.by.length > 0;
  return (
    <div className="state" role="alert">
      <p className="state-title">This asks for too much at once</p>
      <p>{error.message}</p>
      <p>Choose a shorter time or a narrower filter above, or:</p>
      <p className="analysis-ways">
        {grouped && analysis.top > 10 && (
          <button type="button" className="button" onClick={() => change({ top: null })}>
            The top 10 groups
          </button>
        )}
        {analysis.bucket !== "none" && (
          <button type="button" className="button" onClick={() => change({ bucket: "1d" })}>
            Count by the day
          </button>
        )}
        {analysis.bucket !== "none" && (
          <button type="button" className="button" onClick={() => change({ bucket: "none" })}>
            Count the whole time as one
          </button>
        )}
        {analysis.previous && (
          <button type="button" className="button" onClick={() => change({ vs: null })}>
            Leave out the period before
          </button>
        )}
        <button type="button" className="button quiet" onClick={retry}>
          Try again
        </button>
      </p>
    </div>
  );
}
