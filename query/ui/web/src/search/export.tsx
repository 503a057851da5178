import { DropdownMenu } from "radix-ui";
import { headers, request } from "../api/client.ts";
import { queryOf, useFilter } from "../state/filter.ts";
import { announce } from "../ui/announce.tsx";

const formats = [
  ["ndjson", "NDJSON", "an event a line, as the API has it"],
  ["csv", "CSV", "for spreadsheets"],
  ["parquet", "Parquet", "for analysis"],
] as const;

/** ExportMenu downloads all that matches, however much it is. */
export function ExportMenu() {
  const [filter] = useFilter();
  const path = "/api/v1/events/export";
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button">
        Export <span aria-hidden="true">▾</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Content className="popover export" align="end" sideOffset={4} collisionPadding={8}>
        {formats.map(([format, name, purpose]) => {
          const query = queryOf(filter, { format });
          return (
            <DropdownMenu.Item key={format} asChild>
              <a
                className="export-item"
                href={`${path}?${query}`}
                download={`events.${format}`}
                onClick={(event) => {
                  if (Object.keys(headers()).length === 0) return; // The browser writes it to disk as it comes.
                  event.preventDefault();
                  void download(path, query, `events.${format}`);
                }}
              >
                <span>{name}</span>
                <span className="muted">{purpose}</span>
              </a>
            </DropdownMenu.Item>
          );
        })}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

/** download is for keys of every tenant, whose calls name the tenant in a header, which no link can. It holds the file in memory. */
async function download(path: string, query: URLSearchParams, name: string) {
  announce("The export is being prepared");
  try {
    const answer = await request(path, { query });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    announce(`The export has failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
