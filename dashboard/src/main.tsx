// SPDX-License-Identifier: Apache-2.0
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Route, Switch } from "wouter";
import { againWhenAway } from "./api/away.ts";
import { followChanges } from "./api/live.ts";
import { Frame } from "./frame.tsx";
import { ExecutionPage } from "./pages/execution/page.tsx";
import { ExecutionsPage } from "./pages/executions.tsx";
import { HomePage } from "./pages/home.tsx";
import { UnknownPage } from "./pages/unknown.tsx";
import { WorkersPage } from "./pages/workers.tsx";
import { Loading } from "./parts/notes.tsx";
import "./style.css";

// Those that most visitors do not open come when they are opened.
const PlaygroundPage = lazy(async () => ({ default: (await import("./pages/playground/page.tsx")).PlaygroundPage }));
const SettingsPage = lazy(async () => ({ default: (await import("./pages/settings/page.tsx")).SettingsPage }));
const SecretsPage = lazy(async () => ({ default: (await import("./pages/secrets/page.tsx")).SecretsPage }));
const StatsPage = lazy(async () => ({ default: (await import("./pages/stats/page.tsx")).StatsPage }));

// The coordinator is asked whatever the browser believes about the network: it may be on this machine.
const client = new QueryClient({
  defaultOptions: {
    queries: { networkMode: "always", retry: 1, retryDelay: 500, refetchInterval: againWhenAway },
    mutations: { networkMode: "always" },
  },
});

followChanges(client);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Frame>
        <Suspense fallback={<Loading what="the page" />}>
          <Switch>
            <Route path="/" component={HomePage} />
            <Route path="/executions" component={ExecutionsPage} />
            <Route path="/executions/:contract/:request">
              {({ contract, request }) => (
                <ExecutionPage contract={contract} request={request} key={`${contract}/${request}`} />
              )}
            </Route>
            <Route path="/playground" component={PlaygroundPage} />
            <Route path="/secrets" component={SecretsPage} />
            <Route path="/stats" component={StatsPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route path="/workers" component={WorkersPage} />
            <Route component={UnknownPage} />
          </Switch>
        </Suspense>
      </Frame>
    </QueryClientProvider>
  </StrictMode>,
);
