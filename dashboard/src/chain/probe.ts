// SPDX-License-Identifier: Apache-2.0
// Whether an RPC address can be used by these pages: it answers, for the right chain, and their policy lets them ask it.
import { isOtherChain, chainIdAt } from "./identity.ts";

const TOLD_MS = 500; // within which a browser tells of what its policy refused

// Calls `ask` and says whether the policy of this document kept it from connecting.
async function keptBack(ask: () => Promise<string>): Promise<string> {
  let see: (event: SecurityPolicyViolationEvent) => void = () => {};
  const kept = new Promise<boolean>((tell) => {
    see = (event) => event.effectiveDirective === "connect-src" && tell(true);
    document.addEventListener("securitypolicyviolation", see);
  });
  try {
    return await ask();
  } catch (e) {
    const late = new Promise<boolean>((tell) => setTimeout(() => tell(false), TOLD_MS));
    if (!(await Promise.race([kept, late]))) throw e;
    throw new Error(
      "the policy that came with these pages lets them ask the addresses that the coordinator names, and no other: " +
        "whoever wants another one serves the dashboard's files himself, with a policy of his own",
    );
  } finally {
    document.removeEventListener("securitypolicyviolation", see);
  }
}

export async function probeRpc(url: string, network: string | null): Promise<void> {
  const chainId = await keptBack(() => chainIdAt(url));
  if (network !== null && isOtherChain(network, chainId))
    throw new Error(`this address answers for ${chainId.slice(0, 40)}, and this coordinator works for ${network}`);
}
