// SPDX-License-Identifier: Apache-2.0
// What workers prove of their machines: the coordinator says whether they do, the register contract on the chain has it.
import { useConfig } from "../api/queries.ts";
import { useRegistered, type Registered } from "../chain/register.ts";
import { oneLine } from "../format/text.ts";
import { local } from "../format/time.ts";
import { Sign, type Tone } from "../parts/mark.tsx";
import { Empty, ErrorNote, Loading, Stale } from "../parts/notes.tsx";
import { Name } from "../parts/values.tsx";

const MODES: Record<string, string> = {
  none: "Workers of this coordinator prove nothing of their machines: who runs them can see what programs see.",
  simulated: "Workers go through the motions on simulated machines: what they show proves nothing.",
  tdx: "Workers run in trust domains of Intel TDX, which the register contract has verified.",
};

const STATES: Record<string, Tone> = { active: "good", failing: "warn", unapproved: "bad", expired: "bad" };

function Row({ worker, images }: { worker: Registered; images: Map<string, string> }) {
  const state = oneLine(`${worker.state}`, 20);
  return (
    <tr role="row">
      <td role="cell">
        <Sign word={state} tone={STATES[state] ?? "quiet"} />
      </td>
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

function Keys({ contract }: { contract: string }) {
  const found = useRegistered(contract);
  if (!found.data)
    return found.isError ? (
      <ErrorNote error={found.error} retry={() => void found.refetch()} />
    ) : (
      <Loading what="the register contract" />
    );
  if (found.data.workers.length === 0) return <Empty title={`No key is registered at ${oneLine(contract, 64)}.`} />;
  return (
    <>
      <Stale query={found} />
      <table role="table" className="rows" aria-label="Registered keys">
        <thead role="rowgroup">
          <tr role="row">
            {HEADS.map((head) => (
              <th role="columnheader" scope="col" key={head} className={head === "Valid until" ? "number" : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {found.data.workers.map((worker) => (
            <Row worker={worker} images={found.data.images} key={`${worker.public_key}`} />
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Proofs() {
  const config = useConfig();
  if (!config.data) return null;
  const { tee_mode, register_contract_id: contract } = config.data;
  return (
    <section aria-labelledby="proofs-title">
      <h2 id="proofs-title">What their machines prove</h2>
      <p>
        {MODES[tee_mode] ?? `The coordinator says “${oneLine(tee_mode, 40)}”.`}
        {contract && ` What stands below is read from ${oneLine(contract, 64)} on the chain.`}
      </p>
      {contract && <Keys contract={contract} />}
    </section>
  );
}
