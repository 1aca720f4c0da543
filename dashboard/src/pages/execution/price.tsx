// SPDX-License-Identifier: Apache-2.0
// What it cost, line by line, at the prices that were in force when it was asked for.
import type { Answered, Asked } from "../../chain/events.ts";
import { priceLines, sumOf } from "../../chain/price.ts";
import { usePrices } from "../../chain/queries.ts";
import { near, nearDigits, nearExact } from "../../format/money.ts";
import { grouped } from "../../format/number.ts";
import { oneLine } from "../../format/text.ts";
import { Amount } from "../../parts/values.tsx";

function Lines({ contract, asked, answered }: { contract: string; asked: Asked; answered: Answered }) {
  const prices = usePrices(contract, asked.outcome.block_hash);
  if (!prices.data) return null;
  const lines = priceLines(prices.data, answered.data.resources_used);
  const sum = sumOf(lines);
  const charged = answered.data.payment_charged;
  return (
    <>
      {lines
        .filter((line) => line.count > 0n)
        .map((line) => (
          <tr key={line.what}>
            <th scope="row">
              {grouped(line.count)} {line.what}
            </th>
            <td className="number">{line.what === "base fee" ? "" : `× ${nearDigits(line.each)}`}</td>
            <td className="number">{nearDigits(line.sum)}</td>
          </tr>
        ))}
      {sum.toString() !== charged && (
        <tr>
          <th scope="row">
            {charged === "0" ? "nothing is charged for this end" : "never more than the limits and the payment"}
          </th>
          <td />
          <td className="number">{nearDigits(BigInt(charged) - sum)}</td>
        </tr>
      )}
    </>
  );
}

export function Price({ contract, asked, answered }: { contract: string; asked: Asked; answered: Answered }) {
  const { payment_charged, payment_refunded } = answered.data;
  return (
    <section>
      <h2>Price</h2>
      <table className="bill">
        <tbody>
          <Lines contract={contract} asked={asked} answered={answered} />
          <tr className="sum">
            <th scope="row">Charged</th>
            <td />
            <td className="number">
              <Amount yocto={payment_charged} />
            </td>
          </tr>
          <tr>
            <th scope="row">Refunded to {oneLine(asked.data.payer_account_id ?? asked.data.sender_id, 64)}</th>
            <td />
            <td className="number">
              <Amount yocto={payment_refunded} />
            </td>
          </tr>
          {asked.data.payment && (
            <tr>
              <th scope="row">Attached</th>
              <td />
              <td className="number" title={nearExact(asked.data.payment)}>
                {near(asked.data.payment)}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}
