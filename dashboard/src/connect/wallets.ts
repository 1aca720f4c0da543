// SPDX-License-Identifier: Apache-2.0
// The wallets that are offered: those of /wallets.json and no others. Each is a program of somebody else, which runs in a
// frame without any origin; where its SHA-256 is given, no other bytes are run.
import { NearConnector } from "@hot-labs/near-connect";
import { toHex } from "../format/bytes.ts";
import type { Connect } from "./protocol.ts";

const PROGRAM_MAX = 8_000_000;
const FETCH_MS = 30_000;

export interface Listed {
  id: string;
  name: string;
  website: string;
  executor: string;
  sha256?: string;
  networks: string[];
  permissions: { storage?: boolean; allowsOpen?: string[] };
}

type Manifest = NonNullable<Exclude<NonNullable<ConstructorParameters<typeof NearConnector>[0]>["manifest"], string>>;
type Sandboxed = { executor: { loadCode: () => Promise<string> }; manifest: { id: string } };

export async function listWallets(network: string): Promise<Listed[]> {
  const answer = await fetch("/wallets.json", { signal: AbortSignal.timeout(FETCH_MS) });
  if (!answer.ok) throw new Error("the list of wallets does not come");
  const { wallets } = (await answer.json()) as { wallets: Listed[] };
  return wallets.filter(({ networks }) => networks.includes(network));
}

async function programOf({ executor, sha256, name }: Listed): Promise<string> {
  const answer = await fetch(new URL(executor, location.origin), {
    credentials: "omit",
    referrerPolicy: "no-referrer",
    signal: AbortSignal.timeout(FETCH_MS),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!answer.ok || bytes.length > PROGRAM_MAX) throw new Error(`the program of ${name} does not come`);
  if (sha256 && toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))) !== sha256)
    throw new Error(`the program of ${name} is another one than this dashboard was made with: it was not run`);
  return new TextDecoder().decode(bytes);
}

function manifestOf(listed: Listed[], network: string): Manifest {
  const features = { signMessage: true, signAndSendTransaction: true, signInWithoutAddKey: true, [network]: true };
  const wallets = listed.map(({ id, name, website, executor, permissions }) => ({
    ...{ id, name, website, executor, permissions, features },
    ...{ icon: "data:,", description: "", version: "1", type: "sandbox", platform: [] },
  }));
  return { version: "1", wallets } as unknown as Manifest;
}

// What it remembers lasts as long as this document, so that nothing which somebody put into the browser's storage is read.
class Memory {
  private readonly kept = new Map<string, string>();
  async get(key: string): Promise<string | null> {
    return this.kept.get(key) ?? null;
  }
  async set(key: string, value: string): Promise<void> {
    this.kept.set(key, value);
  }
  async remove(key: string): Promise<void> {
    this.kept.delete(key);
  }
}

// A wallet that another window, or an extension, puts into the list would take the place of the one that is chosen.
export function ignoreInjected(): void {
  const stop = (event: Event) => event.stopImmediatePropagation();
  addEventListener("near-wallet-injected", stop);
  addEventListener("message", (event) => {
    const data = event.data as { type?: unknown } | null;
    if (typeof data !== "object" || data === null || data.type === "near-wallet-injected") stop(event);
  });
}

function sandboxed(connector: NearConnector): Sandboxed[] {
  return connector.wallets as unknown as Sandboxed[];
}

// Before somebody is asked to go on: what loads afterwards may load too long for a window to be opened.
export async function load(connector: NearConnector, id: string): Promise<void> {
  await sandboxed(connector)
    .find(({ manifest }) => manifest.id === id)
    ?.executor.loadCode();
}

export async function connectorFor(listed: Listed[], { network, rpc }: Connect, nonce: string): Promise<NearConnector> {
  const connector = new NearConnector({
    network,
    manifest: manifestOf(listed, network),
    providers: { mainnet: [], testnet: [], [network]: [...rpc] },
    storage: new Memory(),
    autoConnect: false,
    footerBranding: null,
    cspNonce: nonce,
  });
  await connector.whenManifestLoaded;
  await Promise.resolve(); // it registers them behind that promise
  for (const wallet of sandboxed(connector)) {
    const one = listed.find(({ id }) => id === wallet.manifest.id);
    let program: Promise<string> | null = null;
    wallet.executor.loadCode = () => (program ??= programOf(one!));
  }
  return connector;
}
