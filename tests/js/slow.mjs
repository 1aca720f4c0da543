// SPDX-License-Identifier: Apache-2.0
// near-api-js with its defaults calls a method whose answer takes its time: node slow.mjs RPC_URL ACCOUNT SECRET CONTRACT METHOD
// Prints the answer.
import { Account, JsonRpcProvider, KeyPair, KeyPairSigner, actions } from 'near-api-js'

const [url, id, secret, contract, method] = process.argv.slice(2)
const account = new Account(id, new JsonRpcProvider({ url }), new KeyPairSigner(KeyPair.fromString(secret)))
const outcome = await account.signAndSendTransaction({
    receiverId: contract,
    actions: [actions.functionCall(method, new Uint8Array(), 100n * 10n ** 12n, 0n)],
})
console.log(Buffer.from(outcome.status.SuccessValue, 'base64').toString())
