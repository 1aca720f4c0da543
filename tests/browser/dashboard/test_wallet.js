// SPDX-License-Identifier: Apache-2.0
// A wallet for tests, run as wallets are run: in a frame without an origin. What it does stands in its id. WORLD is put in front.
const outcome = (signer_id) => ({ transaction: { hash: WORLD.hash, signer_id } });
const ACTS = {
  honest: async () => outcome("alice.test.near"),
  other: async () => outcome("bob.test.near"),
  hangs: () => new Promise(() => {}),
  late: async () => {
    throw new Error("504: the transaction timed out");
  },
  denied: async () => {
    throw new Error("403 Access denied");
  },
};

class Wallet {
  async signIn() {
    if (this.manifest.id === "refuses") throw new Error("User rejected the request");
    return [{ accountId: "alice.test.near", publicKey: "" }];
  }
  async getAccounts() {
    return [{ accountId: "alice.test.near", publicKey: "" }];
  }
  async signOut() {}
  async signAndSendTransaction({ signerId, receiverId, actions }) {
    const [{ params }] = actions;
    const asked = [signerId, receiverId, params.methodName, actions.length].join(" ");
    const shown = [`${WORLD.contract} request_execution`, `${WORLD.coin} flip`];
    if (!shown.some((one) => asked === `alice.test.near ${one} 1`)) throw new Error(`not what was shown: ${asked}`);
    return ACTS[this.manifest.id]();
  }
}
window.selector.ready(new Wallet());
