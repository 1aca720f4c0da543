// SPDX-License-Identifier: Apache-2.0
// What is around every page.
import { useEffect, useRef, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { ownRpc } from "./api/config.ts";
import { useConfig } from "./api/queries.ts";
import { isOtherChain, isPublic, useChainId } from "./chain/identity.ts";
import { oneLine } from "./format/text.ts";
import { Boundary } from "./parts/boundary.tsx";
import { AccountMenu } from "./wallet/account_menu.tsx";

const PAGES = [
  { href: "/executions", label: "Executions" },
  { href: "/playground", label: "Playground" },
  { href: "/secrets", label: "Secrets" },
  { href: "/workers", label: "Workers" },
  { href: "/stats", label: "Stats" },
  { href: "/settings", label: "Settings" },
];

function Bar({ here, account }: { here: string; account: boolean }) {
  const config = useConfig();
  const network = config.data?.network;
  const chain = useChainId(isPublic(network ?? ""));
  return (
    <header>
      <div className="bar">
        <Link href="/" className="brand" aria-current={here === "/" ? "page" : undefined}>
          <img src="/favicon.svg" alt="" width="24" height="24" />
          OutLayer
        </Link>
        <nav aria-label="Main">
          {PAGES.map(({ href, label }) => (
            <Link
              key={href}
              href={href}
              aria-current={here === href ? "page" : here.startsWith(href) ? "true" : undefined}
            >
              {label}
            </Link>
          ))}
          {config.data?.docs_url && <a href={config.data.docs_url}>Docs</a>}
        </nav>
        <div className="who">
          {network && <span className="network">{oneLine(network, 20)}</span>}
          {account && <AccountMenu />}
        </div>
      </div>
      {network && chain.data && isOtherChain(network, chain.data) && (
        <p className="banner wrong" role="alert">
          The RPC address {ownRpc() ? "that you chose" : "that this coordinator names"} is one of{" "}
          {oneLine(chain.data, 20)}, not of {oneLine(network, 20)}: what pages show as the chain's is another chain's.
        </p>
      )}
      {network === "devnet" && (
        <p className="banner">A local chain: its NEAR is worth nothing, and it ends with the program that runs it.</p>
      )}
    </header>
  );
}

// After a step to another page the reader begins at its heading, as after any load.
function useFocusOnStep(here: string) {
  const before = useRef(here);
  useEffect(() => {
    if (before.current === here) return;
    before.current = here;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [here]);
}

// account: whether the page may act for one.
export function Frame({ children, account = true }: { children: ReactNode; account?: boolean }) {
  const [here] = useLocation();
  useFocusOnStep(here);
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Bar here={here} account={account} />
      <main id="content">
        <Boundary key={here}>{children}</Boundary>
      </main>
    </>
  );
}
