// SPDX-License-Identifier: Apache-2.0
// For tests.
import { createHash } from "node:crypto";

export const hash = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
export const { signal } = new AbortController();

interface Asked {
  params: { method_name?: string; block_id?: string };
}

// A coordinator and a chain that answer what the test says; the chain as of a block where there is an answer name@block.
export function answering(answers: Record<string, unknown>) {
  globalThis.fetch = async (url, init) => {
    const body = init?.body ? (JSON.parse(`${init.body as string}`) as Asked) : null;
    const name = body ? (body.params.method_name ?? "query") : `${url as string}`.split("?")[0]!;
    const then = `${name}@${body?.params.block_id}`;
    const found = answers[then in answers ? then : name];
    if (found === undefined) return new Response("{}", { status: 404 });
    if (found instanceof Uint8Array) return new Response(found as BodyInit);
    const bytes = [...new TextEncoder().encode(JSON.stringify(found))];
    return Response.json(body ? { result: body.params.method_name ? { result: bytes } : found } : found);
  };
}
