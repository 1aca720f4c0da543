// SPDX-License-Identifier: Apache-2.0
// Matches a pattern that somebody typed, beside the page and for a second at most: some patterns take longer than the sun
// lasts, and the page would stand still as long. How long its script takes to load says nothing of the pattern.
import { ApiError } from "../api/client.ts";
import address from "./pattern_worker.ts?worker&url";

const LIMIT_MS = 1000;
const LOAD_MS = 30_000;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

// The pages' policy takes no address of a script as a text: this is the only one.
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const trusted = trustedTypes
  ? trustedTypes.createPolicy("outlayer-pattern", { createScriptURL: () => address }).createScriptURL(address)
  : address;

export function matches(pattern: string, account: string): Promise<boolean> {
  return new Promise((tell, fail) => {
    const worker = new Worker(trusted, { type: "module" });
    const end = (then: () => void) => {
      clearTimeout(timer);
      worker.terminate();
      then();
    };
    const failing = (error: Error) => () => end(() => fail(error));
    const notLoaded = failing(new ApiError("unreachable", 0, "what matches patterns does not load", "try again"));
    let timer = setTimeout(notLoaded, LOAD_MS);
    worker.onerror = notLoaded;
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data !== "ready") return end(() => tell(data === true));
      clearTimeout(timer);
      timer = setTimeout(failing(new Error("the pattern takes too long to be matched")), LIMIT_MS);
      worker.onerror = failing(new Error("the pattern cannot be matched"));
      worker.postMessage({ pattern, account });
    };
  });
}
