import { Popover } from "radix-ui";

const forms: [string, string][] = [
  ["card declined", "both texts, anywhere in the payload"],
  ['"card declined"', "exactly this text"],
  ["card OR cash", "one of them"],
  ["card -test", "without the second"],
  ["(card OR cash) declined", "a group"],
  ["severity:WARN+", "a severity and worse"],
  ["type:(login.* OR logout)", "one of several values; * is any text"],
  ["actor:jane", "a field with this value"],
  ['source:"billing api"', "a value with spaces"],
  ["actor:@me", "your own API key"],
  ["targetId:*", "a field that has a value"],
  ["time:now-1d..now", "a time"],
  ["payload.currency:USD", "a value in the payload"],
  ["payload.amount:>100", "a comparison; also >=, <, <="],
  ["payload.amount:100..200", "a range, with both ends"],
];

/** Help lists the forms of q. */
export function Help() {
  return (
    <Popover.Root>
      <Popover.Trigger className="button quiet filterbar-help" aria-label="How to write a search">
        ?
      </Popover.Trigger>
      <Popover.Content
        className="popover filterbar-forms"
        align="end"
        sideOffset={4}
        collisionPadding={8}
        aria-label="How to write a search"
      >
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Write</th>
              <th scope="col">To find</th>
            </tr>
          </thead>
          <tbody>
            {forms.map(([write, finds]) => (
              <tr key={write}>
                <td>
                  <code>{write}</code>
                </td>
                <td>{finds}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="muted">
          Conditions that stand side by side must all hold.{" "}
          <a href="/docs#tag-filter">All forms are in the reference.</a>
        </p>
      </Popover.Content>
    </Popover.Root>
  );
}
