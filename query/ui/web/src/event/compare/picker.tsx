import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Event } from "../../api/types.ts";
import { useParams } from "../../state/location.ts";
import { idIn, previousLike } from "../store.ts";

/** The ways to find an event before this one: by what both have. */
const likes = [
  { words: "of the same type", fields: ["eventType"] },
  { words: "of the same type by the same actor", fields: ["eventType", "actorId", "actorType"] },
  { words: "of the same type on the same target", fields: ["eventType", "targetId", "targetType"] },
] as const;

/** Picker chooses which event another is compared with. */
export function Picker({ event }: { event: Event }) {
  const [, change] = useParams();
  const [text, setText] = useState("");
  const choose = (id: string) => change({ compare: id, tab: null });
  const previous = useMutation({
    mutationFn: (fields: readonly string[]) => previousLike(event, fields),
    onSuccess: (id) => {
      if (id !== null) choose(id);
    },
  });
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault();
    choose(idIn(text));
  };
  const offered = likes.filter(({ fields }) => fields.every((field) => typeof event[field] === "string"));
  return (
    <>
      <p>Choose the event to compare with: one before it, one by its id, or one under Chain or Actor by its sign ⇄.</p>
      <div className="picker-ways">
        {offered.map(({ words, fields }) => (
          <button
            key={words}
            type="button"
            className="button"
            disabled={previous.isPending}
            onClick={() => previous.mutate(fields)}
          >
            The previous {words}
          </button>
        ))}
      </div>
      <p role="alert" className="picker-fault">
        {previous.isError && `It can't be looked for: ${previous.error.message}`}
        {previous.data === null && "There is none before this event."}
      </p>
      <form className="picker" onSubmit={submit}>
        <label className="field">
          Event id, or the link to an event
          <input
            className="input mono"
            required
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(typed) => setText(typed.target.value)}
          />
        </label>
        <button type="submit" className="button primary">
          Compare
        </button>
      </form>
    </>
  );
}
