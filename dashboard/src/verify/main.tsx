// SPDX-License-Identifier: Apache-2.0
// A document of its own: its policy lets it run WebAssembly, which no other page may. So every step away from it is a
// load, and it has no account.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Route, Router, Switch, type BaseLocationHook } from "wouter";
import { followChanges } from "../api/live.ts";
import { Frame } from "../frame.tsx";
import { UnknownPage } from "../pages/unknown.tsx";
import { VerificationPage } from "./page.tsx";
import "../style.css";

const useDocument: BaseLocationHook = () => [location.pathname, (to: string) => location.assign(to)];
const client = new QueryClient({ defaultOptions: { queries: { networkMode: "always", retry: 1, retryDelay: 500 } } });

followChanges(client);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Router hook={useDocument}>
        <Frame account={false}>
          <Switch>
            <Route path="/executions/:contract/:request/verification">
              {({ contract, request }) => <VerificationPage contract={contract} request={request} />}
            </Route>
            <Route component={UnknownPage} />
          </Switch>
        </Frame>
      </Router>
    </QueryClientProvider>
  </StrictMode>,
);
