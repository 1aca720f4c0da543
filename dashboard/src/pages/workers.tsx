// SPDX-License-Identifier: Apache-2.0
// Who serves here: what each worker said last of itself.
import { useConfig, useWorkers } from "../api/queries.ts";
import type { Worker } from "../api/schema.ts";
import { stateOf, useRegistered, type Registered } from "../chain/register.ts";
import { grouped } from "../format/number.ts";
import { oneLine } from "../format/text.ts";
import { duration } from "../format/time.ts";
import { useNow } from "../hooks/clock.ts";
import { useTitle } from "../hooks/title.ts";
import { Sign, type Tone } from "../parts/mark.tsx";
import { Same } from "../parts/same.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Empty } from "../parts/notes.tsx";
import { Table } from "../parts/table.tsx";
import { Name } from "../parts/values.tsx";
import { KeyState, Proofs } from "./proofs.tsx";

const STATUS: Record<Worker["status"], [word: string, tone: Tone]> = {
  online: ["Ready", "good"],
  busy: ["Busy", "live"],
  offline: ["Silent", "warn"],
};

const NONE = <span className="none">–</span>;

function count(value: Worker["building"]) {
  return value === undefined ? NONE : grouped(value);
}

function UpFor({ since }: { since: Worker["started_at_ms"] }) {
  const now = useNow();
  return since === undefined ? NONE : duration(Math.max(0, now - Number(since)));
}

// Anybody may name a key that is active: that says nothing good of who names it.
function NamedKey({ state }: { state: string }) {
  return state === "active" ? <Sign word={state} tone="quiet" /> : <KeyState state={state} />;
}

// As whom it answers and with which key is its own word; what is registered, the chain's.
function AnswersAs({ worker, registered }: { worker: Worker; registered: Registered[] | undefined }) {
  const { operator_id: operator, public_key: key } = worker;
  if (typeof operator !== "string" || typeof key !== "string") return NONE;
  return (
    <>
      {oneLine(operator, 64)} <Name text={key} what="key" />{" "}
      {registered && <NamedKey state={stateOf(registered, operator, key)} />}
    </>
  );
}

const COUNTS: [head: string, of: (worker: Worker) => Worker["building"]][] = [
  ["Building", (worker) => worker.building],
  ["Running", (worker) => worker.running],
  ["Answering", (worker) => worker.submitting],
  ["Free", (worker) => worker.free_slots],
];

function Row({ worker, registered }: { worker: Worker; registered: Registered[] | undefined }) {
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
      <td role="cell" className="wide">
        <AnswersAs worker={worker} registered={registered} />
      </td>
      {COUNTS.map(([head, of]) => (
        <td role="cell" className="number" data-short={head} key={head}>
          {count(of(worker))}
        </td>
      ))}
      <td role="cell" className="number" data-short="Up for">
        <UpFor since={worker.started_at_ms} />
      </td>
      <td role="cell" className="number" data-short="Heard of">
        {duration(worker.last_seen_ms)} ago
      </td>
      <td role="cell" className="number" data-short="Version">
        {worker.version === undefined ? NONE : oneLine(worker.version, 20)}
      </td>
    </tr>
  );
}

const FIRST = ["State", "Worker", "Does", "Answers as"];
const HEADS = [...FIRST, ...COUNTS.map(([head]) => head), "Up for", "Heard of", "Version"];

function WorkerTable({ workers, registered }: { workers: Worker[]; registered: Registered[] | undefined }) {
  if (workers.length === 0) return <Empty title="No worker has been heard of: what is asked now waits." />;
  return (
    <Table label="Workers" heads={HEADS} numbersFrom={FIRST.length}>
      {workers.map((worker) => (
        <Row worker={worker} registered={registered} key={worker.worker_id} />
      ))}
    </Table>
  );
}

export function WorkersPage() {
  const workers = useWorkers();
  const registered = useRegistered(useConfig().data?.contract_id ?? undefined);
  useTitle("Workers");
  return (
    <>
      <h1 tabIndex={-1}>Workers</h1>
      <p className="lead">
        They take executions from this coordinator, build, run and answer them. What stands here is each worker's own
        word, also which key it has. Whether the key that it names is registered, the chain says.
      </p>
      <Loaded query={workers} what="the workers">
        {(data) => <WorkerTable workers={data} registered={registered.data} />}
      </Loaded>
      <Proofs query={registered} />
      <Same paths={[["workers", "/public/workers"]]} />
    </>
  );
}
