// SPDX-License-Identifier: Apache-2.0
// For tests.
import { createHash } from "node:crypto";

export const hash = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
export const { signal } = new AbortController();

interface Asked {
  params: { account_id?: string; method_name?: string; args_base64?: string; block_id?: string };
}

const argsOf = ({ params }: Asked): unknown => JSON.parse(atob(params.args_base64 ?? btoa("{}")));

// A coordinator and a chain that answer what the test says, perhaps by a function of the arguments; the chain as of a block
// where there is an answer name@block, and for one account where there is one account.name. A Response is all of the answer.
export function answering(answers: Record<string, unknown>) {
  globalThis.fetch = async (url, init) => {
    const body = init?.body ? (JSON.parse(`${init.body as string}`) as Asked) : null;
    const name = body ? (body.params.method_name ?? "query") : `${url as string}`.split("?")[0]!;
    const names = [`${name}@${body?.params.block_id}`, `${body?.params.account_id}.${name}`, name];
    const answer = answers[names.find((one) => one in answers) ?? name];
    const found: unknown =
      typeof answer === "function" ? (answer as (args: unknown) => unknown)(argsOf(body!)) : answer;
    if (found === undefined)
      return body
        ? Response.json({ error: { cause: { name: "NO_CONTRACT_CODE" } } })
        : new Response("{}", { status: 404 });
    if (found instanceof Response) return found.clone();
    if (found instanceof Uint8Array) return new Response(found as BodyInit);
    const bytes = [...new TextEncoder().encode(JSON.stringify(found))];
    return Response.json(body ? { result: body.params.method_name ? { result: bytes } : found } : found);
  };
}
