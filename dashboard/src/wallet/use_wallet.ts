// SPDX-License-Identifier: Apache-2.0
// The account that this browser acts for. The wallet's code is loaded when somebody asks for it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useConfig } from "../api/queries.ts";
import type { Config } from "../api/schema.ts";
import type { StoredAccount } from "./keys.ts";
import { hearTabs } from "./tabs.ts";
import type { Call, Wallet } from "./wallet.ts";

const KEY = ["wallet"];

export type WalletKind = "local" | "none";

export function walletKind(config: Config | undefined): WalletKind {
  return config?.faucet_url && config.rpc_urls.length > 0 ? "local" : "none";
}

export function useAccount() {
  const config = useConfig();
  return useQuery<StoredAccount | null>({
    queryKey: KEY,
    enabled: walletKind(config.data) === "local",
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => (await import("./local.ts")).restoreLocal(config.data!),
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
    mutationFn: async () => (await import("./local.ts")).connectLocal(config.data!),
    onSuccess: (account) => client.setQueryData(KEY, account),
  });
}

export function useImport() {
  const config = useConfig();
  const client = useQueryClient();
  return useMutation({
    gcTime: 0, // what was given has a key in it
    mutationFn: async (file: File) => (await import("./local.ts")).importLocal(config.data!, await file.text()),
    onSuccess: (account) => client.setQueryData(KEY, account),
  });
}

export function useDisconnect() {
  const config = useConfig();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => (await import("./local.ts")).disconnectLocal(config.data!),
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
    const stored = await (await import("./local.ts")).keyOf(config.data, account.data.accountId);
    return (await import("./local_wallet.ts")).localWallet(stored, url);
  };
}

export function useSend() {
  const wallet = useWallet();
  return useMutation({ mutationFn: async (call: Call) => (await wallet()).send(call) });
}
