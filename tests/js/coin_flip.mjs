// SPDX-License-Identifier: Apache-2.0
// A game of heads or tails with near-api-js, unmodified, as a page for players would play it:
//   node coin_flip.mjs RPC_URL ACCOUNT SECRET_KEY CONTRACT.wasm NAME OUTLAYER REPO COMMIT
// Prints `ok NAME` and `FAIL NAME detail` lines.
import { readFileSync } from 'node:fs'
import { Account, JsonRpcProvider, KeyPair, KeyPairSigner, actions } from 'near-api-js'

const [url, id, secret, wasm, name, outlayer, repo, commit] = process.argv.slice(2)
const NEAR = 10n ** 24n
const TGAS = 10n ** 12n
const PRICE = NEAR / 20n
const FLIPS_MAX = 40 // one side alone so often: once in 10^12
const provider = new JsonRpcProvider({ url })
const player = new Account(id, provider, new KeyPairSigner(KeyPair.fromString(secret)))
const coin = `${name}.${id}`
const bytes = (value) => new TextEncoder().encode(JSON.stringify(value))

function check(what, holds, detail = '') {
    console.log(holds ? `ok ${what}` : `FAIL ${what} ${JSON.stringify(detail, (_, v) => (typeof v === 'bigint' ? `${v}` : v))?.slice(0, 400)}`)
    return holds
}
const equal = (what, got, want) => check(what, JSON.stringify(got) === JSON.stringify(want), { got, want })
const call = (method, args, deposit = 0n, gas = 300n * TGAS) =>
    player.signAndSendTransaction({ receiverId: coin, actions: [actions.functionCall(method, bytes(args), gas, deposit)] })
const value = (outcome) => JSON.parse(Buffer.from(outcome.status.SuccessValue, 'base64').toString() || 'null')
const score = () => provider.callFunction({ contractId: coin, method: 'get_score', args: { account_id: id } })
const events = (outcome) =>
    outcome.receipts_outcome.flatMap((r) => r.outcome.logs).filter((l) => l.startsWith('EVENT_JSON:')).map((l) => JSON.parse(l.slice(11)))
async function refused(what, words, action) {
    try {
        check(what, false, { unexpected: (await action()).status })
    } catch (e) {
        check(what, e.message.includes(words), e.message)
    }
}

const key = KeyPair.fromRandom('ed25519')
await player.signAndSendTransaction({
    receiverId: coin,
    actions: [actions.createAccount(), actions.transfer(5n * NEAR), actions.addFullAccessKey(key.getPublicKey())]
})
const owner = new Account(coin, provider, new KeyPairSigner(key))
await owner.signAndSendTransaction({
    receiverId: coin,
    actions: [
        actions.deployContract(readFileSync(wasm)),
        actions.functionCall('new', bytes({ owner_id: id, outlayer_id: outlayer, repo, commit, price: `${PRICE}` }), 30n * TGAS, 0n)
    ]
})
equal('a player who has not played has no score', await score(), { flips: 0, wins: 0 })
await refused('less than the price is refused', `A flip costs ${PRICE} yoctoNEAR, attached are 1`, () => call('flip', { choice: 'Heads' }, 1n))
await refused('little gas is refused', 'Tgas to flip the coin', () => call('flip', { choice: 'Heads' }, PRICE, 100n * TGAS))
await refused('nobody else answers', 'is private', () => call('on_flip', { choice: 'Heads', player: id }))

const landed = new Set()
let [flips, wins] = [0, 0]
while (landed.size < 2 && flips < FLIPS_MAX) {
    const outcome = await call('flip', { choice: 'Heads' }, 2n * PRICE) // what is too much comes back
    const answer = value(outcome)
    const well = answer.choice === 'Heads' && ['Heads', 'Tails'].includes(answer.landed) && answer.won === (answer.landed === 'Heads') && !('error' in answer)
    if (!check('the coin lands, and the call says how', well, answer)) break
    const told = events(outcome).filter((e) => e.standard === 'coin_flip')
    equal('a watcher hears the same', told.map((e) => [e.event, e.data[0].player, e.data[0].landed, e.data[0].won]), [['flipped', id, answer.landed, answer.won]])
    landed.add(answer.landed)
    flips += 1
    wins += answer.won
}
equal('both sides were seen', [...landed].sort(), ['Heads', 'Tails'])
equal('the score', await score(), { flips, wins })
const before = (await player.getState()).balance.total
await call('withdraw', {})
check('the owner gets what the game has left', (await player.getState()).balance.total > before + NEAR)
