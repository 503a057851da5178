import { FilterBar } from "../filterbar/filterbar.tsx";
import { useFilter } from "../state/filter.ts";
import { useParams } from "../state/location.ts";
import { Empty, Loading } from "../ui/state.tsx";
import { Builder } from "./builder/builder.tsx";
import { forFilterBar, ready } from "./request.ts";
import { Result } from "./result.tsx";
import { analysisOf, showingOf } from "./state.ts";
import { useAggregate } from "./store.ts";
import { Interrupted, Trouble } from "./trouble.tsx";
import "./analysis.css";

/** AnalysisView computes figures of the events that the filter finds, by time and by their fields, and draws them. */
export default function AnalysisView() {
  const [params] = useParams();
  const [filter] = useFilter();
  const analysis = analysisOf(params);
  const asked = ready(analysis);
  const answer = useAggregate(filter, asked);
  const again = () => void answer.refetch();
  // Why there is no answer is said at the first failure, although it is tried again.
  const trouble = answer.error ?? answer.failureReason;
  return (
    <div className="analysis">
      <h1 className="hidden-text">Analysis</h1>
      <FilterBar error={forFilterBar(answer.error)} busy={answer.isFetching} onAgain={again} />
      <Builder
        analysis={analysis}
        error={answer.error}
        chosenBucket={answer.isPlaceholderData ? null : (answer.data?.answer.meta.bucket ?? null)}
      />
      {asked === null ? (
        <Empty title="Choose what to measure">
          <p>The measure above needs a field, such as a number in the payloads.</p>
        </Empty>
      ) : answer.data ? (
        <>
          {trouble && <Interrupted error={trouble} retry={again} />}
          <Result
            answered={answer.data}
            analysis={analysis}
            showing={showingOf(params, analysis)}
            stale={answer.isPlaceholderData}
            onAgain={again}
          />
        </>
      ) : trouble ? (
        <Trouble error={trouble} analysis={analysis} retry={again} />
      ) : (
        <Loading what="the figures" />
      )}
    </div>
  );
}
