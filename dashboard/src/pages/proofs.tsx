// SPDX-License-Identifier: Apache-2.0
// What workers prove of their machines: the coordinator says whether they do, and names a register contract; which of them
// count, and what those have, is read from the chain.
import { useConfig } from "../api/queries.ts";
import type { Key, Keys, Registered } from "../chain/register.ts";
import { isProof, type Register } from "../chain/register_at.ts";
import { oneLine } from "../format/text.ts";
import { local } from "../format/time.ts";
import { Sign, type Tone } from "../parts/mark.tsx";
import { Loaded, type Query } from "../parts/loaded.tsx";
import { Empty } from "../parts/notes.tsx";
import { Table } from "../parts/table.tsx";
import { Name } from "../parts/values.tsx";

const MODES: Record<string, string> = {
  none: "The coordinator says that its workers prove nothing of their machines: who runs them can see what programs see.",
  simulated:
    "The coordinator says that its workers go through the motions on simulated machines: what they show proves nothing.",
  tdx: "The coordinator says that its workers run in trust domains of Intel TDX. That is its word alone.",
};

const STATES: Record<string, Tone> = { active: "good", failing: "warn", unapproved: "bad", expired: "bad" };

export function KeyState({ state }: { state: string }) {
  return <Sign word={oneLine(state, 20)} tone={STATES[state] ?? "quiet"} />;
}

function Row({ worker, images, counts }: { worker: Key; images: Map<string, string>; counts: boolean }) {
  const state = `${worker.state}`;
  return (
    <tr role="row">
      <td role="cell">{counts ? <KeyState state={state} /> : <Sign word={oneLine(state, 20)} tone="quiet" />}</td>
      <th role="rowheader" scope="row">
        <Name text={`${worker.public_key}`} what="key" />
      </th>
      <td role="cell">{oneLine(images.get(`${worker.image_id}`) ?? "–", 40)}</td>
      <td role="cell">
        <Name text={`${worker.rtmr3}`} what="measurement" />
      </td>
      <td role="cell">{oneLine(`${worker.tcb_status}`, 40)}</td>
      <td role="cell" className="number" data-short="Until">
        {local(Number(worker.valid_until) * 1000)}
      </td>
    </tr>
  );
}

const HEADS = ["State", "Key", "Image", "RTMR3", "Platform", "Valid until"];

function KeyTable({ register, found }: { register: Register; found: Keys }) {
  return (
    <>
      <Table
        label={`Keys registered at ${oneLine(register.account, 64)}`}
        heads={HEADS}
        numbersFrom={HEADS.indexOf("Valid until")}
      >
        {found.keys.map((worker) => (
          <Row worker={worker} images={found.images} counts={isProof(register)} key={`${worker.public_key}`} />
        ))}
      </Table>
      {found.isCut && <p>There are more keys than these {found.keys.length}.</p>}
    </>
  );
}

function worth(register: Register): string {
  if (!register.isKnown)
    return "Not checked: its code is not the register contract that these pages were built with, and could say anything.";
  if (register.root !== null)
    return "Not checked: it believes a root key that is not Intel's, whose quotes prove nothing.";
  return (
    "Its code is the register contract that these pages were built with, and believes Intel's root key alone. " +
    "Which images count, its owner has approved."
  );
}

function OneRegister({ register, found }: Registered) {
  const account = oneLine(register.account, 64);
  return (
    <>
      <h3>{account}</h3>
      <p>An operator of the contract, as the chain has it. {worth(register)}</p>
      {found === null ? (
        <Empty title="It does not say which keys it has." />
      ) : found.keys.length === 0 ? (
        <Empty title={`No key is registered at ${account}.`} />
      ) : (
        <KeyTable register={register} found={found} />
      )}
    </>
  );
}

// What the coordinator names, and the chain does not have.
function OtherNamed({ named, all }: { named: string | null; all: Registered[] }) {
  if (named === null || all.some(({ register }) => register.account === named)) return null;
  return (
    <div className="note stale">
      <strong>The coordinator names {oneLine(named, 64)} as the contract that registers keys.</strong>
      <p>On the chain no operator of its contract is a register contract by that name: nothing of it is shown.</p>
    </div>
  );
}

function Found({ all, named }: { all: Registered[]; named: string | null }) {
  return (
    <>
      <OtherNamed named={named} all={all} />
      {all.length === 0 && <Empty title="No operator of the contract has a register contract on the chain." />}
      {all.map((one) => (
        <OneRegister {...one} key={one.register.account} />
      ))}
    </>
  );
}

export function Proofs({ query }: { query: Query<Registered[]> }) {
  const config = useConfig();
  if (!config.data) return null;
  const { tee_mode, register_contract_id: named, contract_id, rpc_urls } = config.data;
  return (
    <section aria-labelledby="proofs-title">
      <h2 id="proofs-title">What their machines prove</h2>
      <p>{MODES[tee_mode] ?? `The coordinator says “${oneLine(tee_mode, 40)}”.`}</p>
      {contract_id && rpc_urls.length > 0 && (
        <Loaded query={query} what="the register contracts">
          {(all) => <Found all={all} named={named} />}
        </Loaded>
      )}
    </section>
  );
}
