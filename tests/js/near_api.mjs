// SPDX-License-Identifier: Apache-2.0
// near-api-js, unmodified, against a running devnet: node near_api.mjs RPC_URL ROOT_ACCOUNT ROOT_SECRET CONTRACT.wasm
// Prints `ok NAME` and `FAIL NAME detail` lines and the sum.
import { readFileSync } from 'node:fs'
import { Account, JsonRpcProvider, KeyPair, KeyPairSigner, actions } from 'near-api-js'
import * as errors from 'near-api-js/rpc-errors'

const [url, rootId, rootSecret, wasm] = process.argv.slice(2)
const NEAR = 10n ** 24n
const TGAS = 10n ** 12n
let passed = 0
let failed = 0

function check(name, holds, detail = '') {
    if (holds) passed++
    else failed++
    const text = typeof detail === 'string' ? detail : JSON.stringify(detail, (_, v) => (typeof v === 'bigint' ? `${v}` : v))
    console.log(holds ? `ok ${name}` : `FAIL ${name} ${text.replace(/\s+/g, ' ').slice(0, 400)}`)
}

const equal = (name, got, want) => check(name, got === want, `got ${got}, want ${want}`)

async function fails(name, kind, test, action) {
    try {
        check(name, false, { unexpected: await action() })
    } catch (e) {
        check(name, e instanceof kind && test(e), `${e.constructor.name}: ${e.message}`)
    }
}

const text = (value) => Buffer.from(value, 'base64').toString()
const bytes = (value) => new TextEncoder().encode(value)
const provider = new JsonRpcProvider({ url }, { retries: 2, wait: 50 })
const signer = (key) => new KeyPairSigner(key)
const root = new Account(rootId, provider, signer(KeyPair.fromString(rootSecret)))
const call = (account, receiverId, method, args = '', deposit = 0n, gas = 100n * TGAS) =>
    account.signAndSendTransaction({ receiverId, actions: [actions.functionCall(method, bytes(args), gas, deposit)] })
const newKey = () => KeyPair.fromRandom('ed25519')

async function reads() {
    const status = await provider.viewNodeStatus()
    check('status names the chain', typeof status.chain_id === 'string' && status.sync_info.latest_block_height > 0, status)
    const block = await provider.viewBlock({ finality: 'final' })
    check('block has a hash', /^[1-9A-HJ-NP-Za-km-z]{43,44}$/.test(block.header.hash), block.header)
    const same = await provider.viewBlock({ blockId: block.header.height })
    equal('block by height is the same', same.header.hash, block.header.hash)
    const chunk = await provider.viewChunk(block.chunks[0].chunk_hash)
    equal('chunk by hash', chunk.header.chunk_hash, block.chunks[0].chunk_hash)
    equal('gas price', (await provider.viewGasPrice()).gas_price, '100000000')
    const validators = await provider.viewValidators()
    check('validators', validators.current_validators.length > 0 && validators.current_validators[0].stake, validators)
    check('seat price', BigInt(await provider.getCurrentEpochSeatPrice()) > 0n)
    const config = await provider.experimental_protocolConfig({ finality: 'final' })
    equal('protocol config has the price of storage', config.runtime_config.storage_amount_per_byte, '10000000000000000000')
    const state = await root.getState()
    check('root account has money', state.balance.available > 1000n * NEAR, state)
}

async function accounts() {
    const key = newKey()
    const name = `alice.${rootId}`
    await root.createAccount({ newAccountId: name, publicKey: key.getPublicKey(), nearToTransfer: 50n * NEAR })
    const alice = new Account(name, provider, signer(key))
    equal('a new account has its money', (await alice.getState()).balance.total, 50n * NEAR)
    const keys = await alice.getAccessKeyList()
    equal('and its key', keys.keys[0].public_key, key.getPublicKey().toString())
    const before = (await root.getState()).balance.total
    await alice.transfer({ receiverId: rootId, amount: 1n * NEAR })
    equal('a transfer arrives', (await root.getState()).balance.total, before + NEAR)
    const implicit = Buffer.from(newKey().getPublicKey().data).toString('hex')
    await alice.transfer({ receiverId: implicit, amount: NEAR })
    equal('an implicit account is made by a transfer', (await provider.viewAccount({ accountId: implicit })).amount, NEAR)
    await fails('an account that exists is not made again', errors.AccountAlreadyExistsActionError, (e) => e.accountId === name,
        () => root.createAccount({ newAccountId: name, publicKey: key.getPublicKey(), nearToTransfer: NEAR }))
    return alice
}

async function contract(alice) {
    await alice.deployContract(readFileSync(wasm))
    const code = await alice.getContractCode()
    equal('the deployed code is read back', Buffer.compare(Buffer.from(code.code), readFileSync(wasm)), 0)
    const set = await call(alice, alice.accountId, 'set', '{"n":7}')
    equal('a call gives its value', text(set.status.SuccessValue), '{"n":7}')
    equal('and its log', set.receipts_outcome[0].outcome.logs[0], '{"n":7}')
    const view = await provider.callFunction({ contractId: alice.accountId, method: 'get', args: {} })
    equal('a view gives it too', view.n, 7)
    const state = await alice.getContractState()
    equal('state is read', text(state.values[0].value), '{"n":7}')
    const relayed = await call(root, alice.accountId, 'relay_then', alice.accountId)
    equal('promise and callback', text(relayed.status.SuccessValue), '1')
    const broken = await call(root, alice.accountId, 'relay_boom', alice.accountId)
    equal('callback of a failed promise', text(broken.status.SuccessValue), '2')
    const status = await provider.viewTransactionStatusWithReceipts({ txHash: relayed.transaction.hash, accountId: rootId, waitUntil: 'FINAL' })
    equal('status with receipts', status.receipts.length, status.receipts_outcome.length)
    equal('final at once', status.final_execution_status, 'FINAL')
    const receipt = await provider.viewTransactionReceipt(status.receipts_outcome[0].id)
    equal('a receipt by its id', receipt.receiver_id, alice.accountId)
}

async function keys(alice) {
    const key = newKey()
    await alice.addFunctionCallAccessKey({ publicKey: key.getPublicKey(), contractId: alice.accountId, methodNames: ['set'], allowance: NEAR })
    const limited = new Account(alice.accountId, provider, signer(key))
    const set = await call(limited, alice.accountId, 'set', '"limited"')
    equal('a function-call key calls', text(set.status.SuccessValue), '"limited"')
    const left = await provider.viewAccessKey({ accountId: alice.accountId, publicKey: key.getPublicKey() })
    check('and pays from its allowance', BigInt(left.permission.FunctionCall.allowance) < NEAR, left)
    await fails('only its methods', errors.AccessKeyMethodNameMismatchActionError, () => true, () => call(limited, alice.accountId, 'boom'))
    await fails('only its contract', errors.AccessKeyReceiverMismatchActionError, () => true, () => call(limited, rootId, 'set'))
    await fails('and nothing else', errors.AccessKeyRequiresFullAccessActionError, () => true, () => limited.transfer({ receiverId: rootId, amount: 1n }))
    await alice.deleteKey(key.getPublicKey())
    await fails('a deleted key is gone', errors.AccessKeyDoesNotExistError, () => true, () => limited.getAccessKey(key.getPublicKey()))
}

async function refusals(alice) {
    const nobody = `nobody.${rootId}`
    await fails('no such account', errors.AccountDoesNotExistError, (e) => e.accountId === nobody,
        () => provider.viewAccount({ accountId: nobody }))
    await fails('no contract there', errors.ContractCodeDoesNotExistError, () => true,
        () => provider.callFunction({ contractId: rootId, method: 'get', args: {} }))
    await fails('no such method', errors.ContractMethodNotFoundError, () => true,
        () => provider.callFunction({ contractId: alice.accountId, method: 'nothing', args: {} }))
    await fails('a view that panics', errors.RpcError, (e) => e.message.includes('no luck'),
        () => provider.callFunction({ contractId: alice.accountId, method: 'boom', args: bytes('no luck') }))
    await fails('a call that panics', errors.ContractExecutionError, (e) => e.message.includes('Smart contract panicked: no luck'),
        () => call(alice, alice.accountId, 'boom', 'no luck'))
    await fails('a call that runs out of gas', errors.ContractExecutionError, (e) => e.message.includes('Exceeded the prepaid gas.'),
        () => call(alice, alice.accountId, 'spin', '', 0n, 5n * TGAS))
    await fails('a call that traps', errors.ContractExecutionError, (e) => e.message.includes('WebAssembly trap'),
        () => call(alice, alice.accountId, 'trap'))
    await fails('more money than there is', errors.NotEnoughBalanceError, (e) => e.cost > e.balance,
        () => alice.transfer({ receiverId: rootId, amount: 1000000n * NEAR }))
    await fails('a transfer to nobody', errors.AccountDoesNotExistActionError, (e) => e.accountId === nobody,
        () => alice.transfer({ receiverId: nobody, amount: 1n }))
    await fails('a foreign signer', errors.AccessKeyDoesNotExistError, () => true,
        () => call(new Account(rootId, provider, signer(newKey())), alice.accountId, 'get'))
    await fails('an unknown transaction', errors.UnknownTransactionError, () => true,
        () => provider.viewTransactionStatus({ txHash: '4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX', accountId: rootId, waitUntil: 'NONE' }))
    await fails('an unknown block', errors.UnknownBlockError, () => true, () => provider.viewBlock({ blockId: 999999999 }))
    await fails('an unknown method', errors.RpcMethodNotFoundError, () => true, () => provider.sendJsonRpc('no_such_method', {}))
    await fails('an unknown receipt', errors.UnknownReceiptError, () => true,
        () => provider.viewTransactionReceipt('4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX'))
}

async function nonces(alice) {
    const twins = [1, 2, 3, 4].map((n) => call(alice, alice.accountId, 'set', `${n}`))
    const values = (await Promise.all(twins)).map((r) => text(r.status.SuccessValue)).sort()
    equal('several at once from one key', values.join(), '1,2,3,4')
}

async function leave(alice) {
    const key = newKey()
    const name = `bob.${alice.accountId}`
    await alice.createAccount({ newAccountId: name, publicKey: key.getPublicKey(), nearToTransfer: 2n * NEAR })
    const bob = new Account(name, provider, signer(key))
    await bob.deleteAccount(alice.accountId)
    await fails('a deleted account is gone', errors.AccountDoesNotExistError, () => true, () => bob.getState())
}

for (const part of [reads, async () => {
    const alice = await accounts()
    for (const step of [contract, keys, refusals, nonces, leave]) {
        try {
            await step(alice)
        } catch (e) {
            check(step.name, false, `${e.stack}`)
        }
    }
}]) {
    try {
        await part()
    } catch (e) {
        check(part.name || 'accounts', false, `${e.stack}`)
    }
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`)
process.exit(failed ? 1 : 0)
