// SPDX-License-Identifier: Apache-2.0
// What this browser keeps for these pages, and what the coordinator says that they are about.
import type { ReactNode } from "react";
import type { Deployment } from "../../api/config.ts";
import { useConfig } from "../../api/queries.ts";
import { useChainId } from "../../chain/identity.ts";
import { oneLine } from "../../format/text.ts";
import { useTitle } from "../../hooks/title.ts";
import { Facts } from "../../parts/facts.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Empty } from "../../parts/notes.tsx";
import { Same } from "../../parts/same.tsx";
import { Name } from "../../parts/values.tsx";
import { walletKind } from "../../wallet/use_wallet.ts";
import { AccountSettings } from "./account.tsx";
import { RpcChoice } from "./rpc.tsx";

function About({ config }: { config: Deployment }) {
  const licences = document.querySelector<HTMLLinkElement>("link[rel=license]")?.href;
  const chain = useChainId();
  const facts: [string, ReactNode][] = [
    ["Network", config.network && oneLine(config.network, 40)],
    ["Chain of the RPC", chain.data ? oneLine(chain.data, 40) : "it does not say"],
    ["Contract", config.contract_id && <Name text={config.contract_id} what="contract" whole />],
    [
      "Register contract",
      config.register_contract_id && <Name text={config.register_contract_id} what="register" whole />,
    ],
    ["Secrets", config.keystore ? "offered" : "not offered"],
    ["Version", oneLine(config.version, 40)],
  ];
  return (
    <section aria-labelledby="about-title">
      <h2 id="about-title">What the coordinator says of itself</h2>
      <Facts facts={facts} />
      <Same paths={[["configuration", "/public/config"]]} />
      {licences && (
        <p>
          <a href={licences}>Licences of what these pages are made of</a>
        </p>
      )}
    </section>
  );
}

function Whole({ config }: { config: Deployment }) {
  return (
    <>
      {walletKind(config) === "none" ? (
        <Empty title="No account can act here: this coordinator names no faucet and no public network." />
      ) : (
        <AccountSettings />
      )}
      <RpcChoice config={config} />
      <About config={config} />
    </>
  );
}

export function SettingsPage() {
  const config = useConfig();
  useTitle("Settings");
  return (
    <>
      <h1 tabIndex={-1}>Settings</h1>
      <Loaded query={config} what="what this coordinator works for">
        {(data) => <Whole config={data} />}
      </Loaded>
    </>
  );
}
