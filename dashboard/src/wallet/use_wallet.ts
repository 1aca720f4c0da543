// SPDX-License-Identifier: Apache-2.0
// The account that this browser acts for. The wallet's code is loaded when somebody asks for it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useConfig } from "../api/queries.ts";
import type { Config } from "../api/schema.ts";
import { isPublic } from "../chain/identity.ts";
import type { StoredAccount } from "./keys.ts";
import { hearTabs } from "./tabs.ts";
import type { Account, Call, Wallet } from "./wallet.ts";

const KEY = ["wallet"];

// local: keys of this browser, on a local chain; connect: a wallet, on a public network.
export type WalletKind = "local" | "connect" | "none";

export function walletKind(config: Config | undefined): WalletKind {
  if (!config || config.rpc_urls.length === 0) return "none";
  if (isPublic(config.network ?? "")) return "connect";
  return config.faucet_url ? "local" : "none";
}

function shown(account: StoredAccount): Account {
  return { accountId: account.accountId, publicKey: account.publicKey, keeper: null };
}

async function restore(config: Config): Promise<Account | null> {
  if (walletKind(config) === "connect") return (await import("./connect.ts")).restoreConnected(config);
  const stored = await (await import("./local.ts")).restoreLocal(config);
  return stored && shown(stored);
}

async function begin(config: Config): Promise<Account> {
  if (walletKind(config) === "connect") return (await import("./connect.ts")).connectWallet(config);
  return shown(await (await import("./local.ts")).connectLocal(config));
}

async function leave(config: Config): Promise<void> {
  if (walletKind(config) === "connect") return (await import("./connect.ts")).leaveWallet(config);
  return (await import("./local.ts")).disconnectLocal(config);
}

export function useAccount() {
  const config = useConfig();
  return useQuery<Account | null>({
    queryKey: KEY,
    enabled: walletKind(config.data) !== "none",
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => restore(config.data!),
  });
}

// What another tab does to the account is seen here, too: once on each page.
export function useAccountOfTabs(): void {
  const client = useQueryClient();
  useEffect(() => hearTabs(() => void client.invalidateQueries({ queryKey: KEY })), [client]);
}

export function useConnect() {
  const config = useConfig();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => begin(config.data!),
    onSuccess: (account) => client.setQueryData(KEY, account),
  });
}

export function useImport() {
  const config = useConfig();
  const client = useQueryClient();
  return useMutation({
    gcTime: 0, // what was given has a key in it
    mutationFn: async (file: File) =>
      shown(await (await import("./local.ts")).importLocal(config.data!, await file.text())),
    onSuccess: (account) => client.setQueryData(KEY, account),
  });
}

export function useDisconnect() {
  const config = useConfig();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => leave(config.data!),
    onSuccess: () => client.setQueryData(KEY, null),
  });
}

// The wallet itself, whose code is loaded when it is used.
export function useWallet(): () => Promise<Wallet> {
  const config = useConfig();
  const account = useAccount();
  return async () => {
    const [url] = config.data?.rpc_urls ?? [];
    if (!config.data || !account.data || !url) throw new Error("no account is connected");
    if (walletKind(config.data) === "connect")
      return (await import("./connect.ts")).connectedWallet(config.data, account.data.accountId);
    const stored = await (await import("./local.ts")).keyOf(config.data, account.data.accountId);
    return (await import("./local_wallet.ts")).localWallet(stored, url);
  };
}

export function useSend() {
  const wallet = useWallet();
  return useMutation({ mutationFn: async (call: Call) => (await wallet()).send(call) });
}

// What a page says where somebody must be connected first.
export function useConnectFirst(): string {
  const kind = walletKind(useConfig().data);
  if (kind === "none") return "No account can act here: this coordinator names no faucet and no public network.";
  return kind === "connect"
    ? "Connect a wallet first: the button is above."
    : "Make an account first: the button is above.";
}
