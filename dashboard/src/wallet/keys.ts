// SPDX-License-Identifier: Apache-2.0
// Where the local wallet's account is kept: its key in IndexedDB as an object that gives no bytes away.
import { tellTabs } from "./tabs.ts";

const DATABASE = "outlayer-wallet";
const STORE = "accounts";

export interface StoredAccount {
  network: string; // and contract: a home that was begun anew has other accounts
  accountId: string;
  publicKey: string; // "ed25519:…"
  privateKey: CryptoKey; // not extractable
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "network" });
  return done(request);
}

async function within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await done(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

export async function readAccount(network: string): Promise<StoredAccount | null> {
  return ((await within("readonly", (store) => store.get(network))) as StoredAccount | undefined) ?? null;
}

export async function writeAccount(account: StoredAccount): Promise<void> {
  await within("readwrite", (store) => store.put(account));
  tellTabs();
}

export async function removeAccount(network: string): Promise<void> {
  await within("readwrite", (store) => store.delete(network));
  tellTabs();
}
