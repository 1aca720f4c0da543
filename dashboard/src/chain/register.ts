// SPDX-License-Identifier: Apache-2.0
// What register contracts have of workers' machines: those of the main contract's operators, whatever the coordinator
// names, and which keys each has registered.
import { useQuery } from "@tanstack/react-query";
import { each } from "../api/away.ts";
import type { Integer } from "../api/exact.ts";
import { registerCode } from "../verify/known.ts";
import { operatorsOf } from "../verify/operators.ts";
import { useRpc } from "./queries.ts";
import { isProof, registerAt, type Register } from "./register_at.ts";
import { RpcError } from "./rpc.ts";
import { isRefused, view } from "./view.ts";

export interface Key {
  public_key: string;
  rtmr3: string;
  valid_until: Integer; // seconds
  state: string; // active, failing, unapproved or expired
  tcb_status: string;
  image_id: Integer | null;
}

interface Image {
  image_id: Integer;
  name: string;
}

export interface Keys {
  keys: Key[];
  images: Map<string, string>;
  isCut: boolean; // whether there are more keys
}

export interface Registered {
  register: Register;
  found: Keys | null; // null: it does not say, as a register contract would
}

const PAGE = 200; // what the contract answers at most
const PAGES_MAX = 5;

async function keysOf(urls: readonly string[], account: string, signal: AbortSignal): Promise<Keys> {
  const keys: Key[] = [];
  let isCut = true;
  for (let i = 0; i < PAGES_MAX && isCut; i++) {
    const page = { from_index: keys.length, limit: PAGE };
    const more = await view<Key[]>(urls, account, "get_workers", page, undefined, signal);
    keys.push(...more.slice(0, PAGE));
    isCut = more.length >= PAGE;
  }
  const images = await view<Image[]>(urls, account, "get_images", {}, undefined, signal);
  return { keys, images: new Map(images.map(({ image_id, name }) => [`${image_id}`, name])), isCut };
}

export async function registersOf(
  urls: readonly string[],
  contract: string,
  known: string | null,
  signal: AbortSignal,
): Promise<Register[]> {
  const operators = await operatorsOf(urls, contract, signal);
  const found = await Promise.all(operators.map((one) => registerAt(urls, one, contract, known, signal)));
  return found.filter((one) => one !== null);
}

export function registeredAt(urls: readonly string[], registers: Register[], signal: AbortSignal) {
  return Promise.all(
    registers.map(async (register): Promise<Registered> => {
      try {
        return { register, found: await keysOf(urls, register.account, signal) };
      } catch (e) {
        if (e instanceof RpcError && !isRefused(e)) throw e;
        return { register, found: null };
      }
    }),
  );
}

// undefined contract: the coordinator works for none.
export function useRegistered(contract: string | undefined) {
  const urls = useRpc();
  const registers = useQuery({
    queryKey: ["registers", contract],
    enabled: contract !== undefined && urls.length > 0,
    refetchInterval: each(300_000),
    queryFn: ({ signal }) => registersOf(urls, contract!, registerCode, signal),
  });
  const registered = useQuery({
    queryKey: ["registered", registers.data],
    enabled: registers.data !== undefined,
    refetchInterval: each(30_000),
    queryFn: ({ signal }) => registeredAt(urls, registers.data!, signal),
  });
  return registers.data ? registered : { ...registers, data: undefined };
}

// What register contracts say of the key that a worker says it has.
export function stateOf(all: Registered[], operator: string, key: string): string {
  const at = all.find(({ register }) => register.account === operator);
  const row = at?.found?.keys.find(({ public_key }) => public_key === key);
  if (!at || (at.found && !row && !at.found.isCut)) return "not registered";
  return row && isProof(at.register) ? row.state : "not checked";
}
