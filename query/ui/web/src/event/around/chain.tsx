import { useState } from "react";
import type { Event } from "../../api/types.ts";
import { condition } from "../../query/language.ts";
import { allTime, sameFilterAt } from "../../state/filter.ts";
import { useParams } from "../../state/location.ts";
import { count } from "../../state/numbers.ts";
import { length } from "../../state/time.ts";
import { Link } from "../../ui/link.tsx";
import { severityShape } from "../../ui/severity.tsx";
import { Empty, Failed, Loading } from "../../ui/state.tsx";
import { type Chain, mostAround, useAround } from "../store.ts";
import { EventLink } from "./eventlink.tsx";
import { headsOf, lanesOf, type Step, type Stroke, stepsOf } from "./lanes.ts";
import "./around.css";

/** How many events of the chain are asked for on either side, and how many when more are wanted. */
const few = 50;

/** ChainTab shows the events of one correlation id as a timeline over services. */
export function ChainTab({ event }: { event: Event }) {
  const [chain, setChain] = useState(few);
  const around = useAround(event.eventId, { chain, before: 0, after: 0 });
  if (!event.correlationId)
    return (
      <Empty title="This event has no correlation id">
        <p>Where services pass one on and send it as `correlationId`, what belongs together is shown here.</p>
      </Empty>
    );
  if (around.isPending) return <Loading what="the chain" />;
  if (around.isError) return <Failed error={around.error} retry={() => void around.refetch()} />;
  if (!around.data.correlation) return null;
  const found = around.data.correlation;
  const more = found.moreBefore || found.moreAfter;
  return (
    <div aria-busy={around.isPlaceholderData}>
      <Summary chain={found} />
      <Timeline chain={found} id={event.eventId} />
      {more && (
        <div className="event-tools">
          <span>
            There is more of it{found.moreBefore && " before"}
            {found.moreBefore && found.moreAfter && " and"}
            {found.moreAfter && " after"} what you see.
          </span>
          {chain < mostAround && (
            <button
              type="button"
              className="button"
              disabled={around.isPlaceholderData}
              onClick={() => setChain(mostAround)}
            >
              Show more of the chain
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Summary({ chain }: { chain: Chain }) {
  const [params] = useParams();
  const n = chain.timeline.length;
  const search = sameFilterAt("/", params, {
    q: condition("correlationId", chain.correlationId),
    from: allTime,
    to: null,
    preset: null,
  });
  return (
    <p>
      {count(n)} {n === 1 ? "event" : "events"} of {chain.services.length}{" "}
      {chain.services.length === 1 ? "service" : "services"}
      {n > 1 && ` over ${length(chain.durationMs)}`}, all with the correlation id{" "}
      <code className="near-id">{chain.correlationId}</code>. <Link to={search}>Search for them</Link>
    </p>
  );
}

function Timeline({ chain, id }: { chain: Chain; id: string }) {
  const lanes = lanesOf(chain);
  return (
    <>
      <Services chain={chain} lanes={lanes} />
      <ol className="timeline" aria-label="Timeline of the chain">
        {stepsOf(chain, id).map((step) => (
          <li key={step.event.eventId} className="timeline-step">
            <Lanes step={step} lanes={lanes} />
            <div className="timeline-event" style={{ paddingTop: step.told ? undefined : step.room }}>
              {step.told && <span className="timeline-pause muted">{length(step.sinceMs)} pass</span>}
              <EventLink
                event={step.event}
                fromHereMs={step.fromHereMs}
                here={step.event.eventId === id}
                sign={false}
              />
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

/** Services names the lanes: each begins at its service. */
function Services({ chain, lanes }: { chain: Chain; lanes: number }) {
  const heads = headsOf(chain);
  return (
    <ul className="services" aria-label="Services">
      {chain.services.map(({ source, events, firstMs, lastMs }, i) => {
        const head = heads[i] as (typeof heads)[number];
        return (
          <li key={source} className="service">
            <span className="lanes" style={{ width: lanes * laneWidth }} aria-hidden="true">
              <Strokes strokes={head.strokes} middle={servicesMiddle} />
              <span className="lane-branch" style={{ left: middleOf(head.lane) }} />
            </span>
            <span>{source || "no source"}</span>
            <span className="muted">
              {count(events)} {events === 1 ? "event" : "events"}, +{length(firstMs)}
              {lastMs > firstMs && ` to +${length(lastMs)}`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

const laneWidth = 16;
const markAt = 21; // from the foot of a row to the middle of its sign
const servicesMiddle = 12;

/** middleOf returns where the line of a lane is. */
function middleOf(lane: number): number {
  return lane * laneWidth + laneWidth / 2 - 1;
}

/** Lanes draws the lines of the services beside a row, and its sign on that of its own. */
function Lanes({ step, lanes }: { step: Step; lanes: number }) {
  return (
    <span className="lanes" style={{ width: lanes * laneWidth }} aria-hidden="true">
      <Strokes strokes={step.strokes} middle={markAt} />
      <svg
        viewBox="0 0 16 16"
        aria-hidden="true"
        className={`lane-mark severity-${step.event.severity.toLowerCase()}`}
        style={{ left: step.lane * laneWidth + 1, bottom: markAt - 7 }}
      >
        <path d={severityShape(step.event.severity)} fill="currentColor" />
      </svg>
    </span>
  );
}

function Strokes({ strokes, middle }: { strokes: readonly Stroke[]; middle: number }) {
  return strokes.map(({ lane, above, below }) => (
    <span
      key={lane}
      className="lane"
      style={{
        left: middleOf(lane),
        top: above ? 0 : undefined,
        height: above ? undefined : middle,
        bottom: below ? 0 : middle,
      }}
    />
  ));
}
