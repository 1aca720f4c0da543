// SPDX-License-Identifier: Apache-2.0
// Who serves here: what each worker said last of itself.
import { useWorkers } from "../api/queries.ts";
import type { Worker } from "../api/schema.ts";
import { grouped } from "../format/number.ts";
import { oneLine } from "../format/text.ts";
import { duration } from "../format/time.ts";
import { useTitle } from "../hooks/title.ts";
import { Sign, type Tone } from "../parts/mark.tsx";
import { Same } from "../parts/same.tsx";
import { Empty, ErrorNote, Loading, Stale } from "../parts/notes.tsx";
import { Proofs } from "./proofs.tsx";

const STATUS: Record<Worker["status"], [word: string, tone: Tone]> = {
  online: ["Ready", "good"],
  busy: ["Busy", "live"],
  offline: ["Silent", "warn"],
};

function count(value: Worker["building"]) {
  return value === undefined ? <span className="none">–</span> : grouped(value);
}

function Row({ worker }: { worker: Worker }) {
  const [word, tone] = STATUS[worker.status] ?? [oneLine(`${worker.status}`, 20), "quiet"];
  return (
    <tr role="row">
      <td role="cell">
        <Sign word={word} tone={tone} />
      </td>
      <th role="rowheader" scope="row">
        {oneLine(worker.worker_id, 64)}
      </th>
      <td role="cell" className="wide">
        {(worker.capabilities ?? []).map((one) => (
          <span className="ref" key={one}>
            {oneLine(one, 40)}
          </span>
        ))}
      </td>
      <td role="cell" className="number" data-short="Building">
        {count(worker.building)}
      </td>
      <td role="cell" className="number" data-short="Running">
        {count(worker.running)}
      </td>
      <td role="cell" className="number" data-short="Answering">
        {count(worker.submitting)}
      </td>
      <td role="cell" className="number" data-short="Free">
        {count(worker.free_slots)}
      </td>
      <td role="cell" className="number">
        {duration(worker.last_seen_ms)} ago
      </td>
      <td role="cell" className="number" data-short="Version">
        {worker.version === undefined ? <span className="none">–</span> : oneLine(worker.version, 20)}
      </td>
    </tr>
  );
}

const HEADS = ["State", "Worker", "Does", "Building", "Running", "Answering", "Free", "Heard of", "Version"];

function WorkerTable({ workers }: { workers: Worker[] }) {
  return (
    <table role="table" className="rows" aria-label="Workers">
      <thead role="rowgroup">
        <tr role="row">
          {HEADS.map((head, i) => (
            <th role="columnheader" scope="col" key={head} className={i >= 3 ? "number" : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {workers.map((worker) => (
          <Row worker={worker} key={worker.worker_id} />
        ))}
      </tbody>
    </table>
  );
}

export function WorkersPage() {
  const workers = useWorkers();
  useTitle("Workers");
  return (
    <>
      <h1 tabIndex={-1}>Workers</h1>
      <p className="lead">
        They take executions from this coordinator, build, run and answer them. What stands here is each worker's own
        word.
      </p>
      {workers.data ? (
        <>
          <Stale query={workers} />
          {workers.data.length > 0 ? (
            <WorkerTable workers={workers.data} />
          ) : (
            <Empty title="No worker has been heard of: what is asked now waits." />
          )}
        </>
      ) : workers.isError ? (
        <ErrorNote error={workers.error} retry={() => void workers.refetch()} />
      ) : (
        <Loading what="the workers" />
      )}
      <Proofs />
      <Same paths={[["workers", "/public/workers"]]} />
    </>
  );
}
