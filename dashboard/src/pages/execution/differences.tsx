// SPDX-License-Identifier: Apache-2.0
// What the coordinator says otherwise than the chain, named one by one.
import { differences, type Said } from "../../chain/compare.ts";
import type { Answered, Asked } from "../../chain/events.ts";
import { oneLine } from "../../format/text.ts";

export function Differences({ job, asked, answered }: { job: Said; asked: Asked; answered: Answered | null }) {
  const found = differences(job, asked, answered);
  if (found.length === 0) return null;
  return (
    <section className="failure" aria-labelledby="differences">
      <h2 id="differences">The coordinator says something else than the chain</h2>
      <p>Believe the chain: input, output, price and receipts below are read from it.</p>
      <table className="bill said">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Said by the coordinator</th>
            <th scope="col">On the chain</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ what, said, chain }) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td>{oneLine(said, 80)}</td>
              <td>{oneLine(chain, 80)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
