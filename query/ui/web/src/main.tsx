import { notifyManager, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/client.ts";
import { SessionGate, takeFragmentKey } from "./api/session.tsx";
import { App } from "./app.tsx";
import { Crash } from "./ui/crash.tsx";
import "./styles/tokens.css";
import "./styles/base.css";

const key = takeFragmentKey();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses, it refuses again; what can't be reached may come back.
      retry: (failures, error) => !(error instanceof Problem && error.status !== 503) && failures < 5,
      retryDelay: (failures) => Math.min(1000 * 2 ** failures, 10_000),
      refetchOnWindowFocus: false,
    },
  },
});

// An answer is painted as soon as it is there, not after what else waits for a timer.
notifyManager.setScheduler(queueMicrotask);

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <QueryClientProvider client={client}>
          <SessionGate fragmentKey={key}>
            <App />
          </SessionGate>
        </QueryClientProvider>
      </Crash>
    </StrictMode>,
  );
