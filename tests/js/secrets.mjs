// SPDX-License-Identifier: Apache-2.0
// A client as the reference's documents describe it, with near-api-js and an HPKE package from npm, both unmodified:
//   node secrets.mjs RPC_URL COORDINATOR_URL CONTRACT ACCOUNT SECRET_KEY REPO COMMIT SEALED
// SEALED: JSON {"blob": base64, "secret": hexadecimal key of its scope, "profile", "contents"}, sealed by our own command.
// Prints `ok NAME` and `FAIL NAME detail` lines.
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305'
import { createHmac } from 'node:crypto'
import { Account, JsonRpcProvider, KeyPair, KeyPairSigner, actions } from 'near-api-js'

const [url, coordinator, contract, id, secret, repoUrl, commit, sealedHere] = process.argv.slice(2)
const repo = repoUrl.replace(/^https:\/\//, '')
const NEAR = 10n ** 24n
const TGAS = 10n ** 12n
const provider = new JsonRpcProvider({ url })
const account = new Account(id, provider, new KeyPairSigner(KeyPair.fromString(secret)))
const bytes = (text) => new TextEncoder().encode(text)

function check(name, holds, detail = '') {
    console.log(holds ? `ok ${name}` : `FAIL ${name} ${JSON.stringify(detail, (_, v) => (typeof v === 'bigint' ? `${v}` : v))?.slice(0, 400)}`)
}
const call = (methodName, args, deposit = 0n, gas = 100n * TGAS) =>
    account.signAndSendTransaction({ receiverId: contract, actions: [actions.functionCall(methodName, bytes(JSON.stringify(args)), gas, deposit)] })
const view = (method, args) => provider.callFunction({ contractId: contract, method, args })
const value = (outcome) => JSON.parse(Buffer.from(outcome.status.SuccessValue, 'base64').toString() || 'null')

// borsh of texts, options and 32-bit numbers, as docs/secrets.md has the info
const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer)
const text = (s) => Buffer.concat([u32(Buffer.byteLength(s)), Buffer.from(s)])
const option = (s) => (s === null ? Buffer.of(0) : Buffer.concat([Buffer.of(1), text(s)]))

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() })

const infoOf = (branch, profile, generation) => Uint8Array.from(Buffer.concat([text('outlayer-secrets-v1'), text('devnet'), text(contract), text(id), text(repo),
    option(branch), text(profile), u32(generation)])).buffer

async function open(blob, secret, profile) {
    const raw = Buffer.from(blob, 'base64'), part = (from, to) => Uint8Array.from(raw.subarray(from, to)).buffer
    const recipientKey = await suite.kem.deserializePrivateKey(Uint8Array.from(Buffer.from(secret, 'hex')).buffer)
    const recipient = await suite.createRecipientContext({ recipientKey, enc: part(5, 37), info: infoOf(null, profile, raw.readUInt32LE(1)) })
    return JSON.parse(Buffer.from(await recipient.open(part(37))).toString())
}

async function seal(values, branch, profile) {
    const answer = await (await fetch(`${coordinator}/secrets/pubkey?repo=${encodeURIComponent(repoUrl)}&owner=${id}`)).json()
    check('the key comes with the normal name', answer.repo_normalized === repo && answer.owner === id && answer.branch === branch, answer)
    const recipientPublicKey = await suite.kem.deserializePublicKey(Uint8Array.from(Buffer.from(answer.pubkey, 'hex')).buffer)
    const sender = await suite.createSenderContext({ recipientPublicKey, info: infoOf(branch, profile, answer.generation) })
    const sealed = await sender.seal(bytes(JSON.stringify(values)).buffer)
    return Buffer.concat([Buffer.of(1), u32(answer.generation), Buffer.from(sender.enc), Buffer.from(sealed)]).toString('base64')
}

async function request(profile) {
    const outcome = await call('request_execution', {
        code_source: { repo: repoUrl, commit, build_target: 'wasm32-wasip1' },
        resource_limits: { max_instructions: 1000000000, max_memory_mb: 128, max_execution_seconds: 60 },
        input_data: 'hello',
        secrets_ref: { profile, account_id: id },
        response_format: 'Text',
    }, NEAR / 10n, 300n * TGAS)
    const logs = outcome.receipts_outcome.flatMap((r) => r.outcome.logs).filter((l) => l.startsWith('EVENT_JSON:'))
    const completed = logs.map((l) => JSON.parse(l.slice(11))).find((e) => e.event === 'execution_completed')
    return { value: value(outcome), completed: completed?.data[0] }
}

try {
    const ours = JSON.parse(sealedHere)
    const opened = await open(ours.blob, ours.secret, ours.profile)
    check('an HPKE package opens what our command sealed', JSON.stringify(opened) === JSON.stringify(ours.contents), opened)
    const refusal = await open(ours.blob, ours.secret, 'other').then(() => 'it opened', (e) => e.name)
    check('and not for another profile', refusal === 'OpenError', refusal)
    const key = { repo, branch: null, profile: 'js' }
    const encrypted_secrets_base64 = await seal({ API_KEY: 'k-from-js' }, null, 'js')
    const row = { ...key, encrypted_secrets_base64, access: { Whitelist: { accounts: [id] } } }
    const cost = BigInt(await view('estimate_storage_cost', { ...row, owner: id }))
    check('the estimate is an amount', cost > 0n, cost)
    await call('store_secrets', row, cost)
    check('it exists', (await view('secrets_exist', { ...key, owner: id })) === true)
    const got = await view('get_secrets', { ...key, owner: id })
    check('get_secrets has the documented members', got.encrypted_secrets === encrypted_secrets_base64 && BigInt(got.storage_deposit) === cost
        && got.branch === null && Number.isInteger(got.created_at) && got.access.Whitelist.accounts[0] === id, got)
    const list = await view('list_user_secrets', { account_id: id })
    check('list_user_secrets has the documented members', list.some((x) => x.repo === repo && x.profile === 'js' && x.branch === null && x.storage_deposit), list)
    check('list_profiles finds it', (await view('list_profiles', { _repo: repo })).some((x) => x.profile === 'js' && x.owner === id))
    const served = await request('js')
    check('what an HPKE package sealed reaches the guest', served.value === createHmac('sha256', 'k-from-js').update('hello').digest('hex'), served)
    await call('update_access', { ...key, new_access: { Not: { condition: 'AllowAll' } } })
    const refused = await request('js')
    check('a condition that does not hold', refused.value === null && /Access denied/.test(refused.completed?.error_message), refused)
    await call('delete_secrets', key)
    check('gone', (await view('secrets_exist', { ...key, owner: id })) === false && (await view('get_secrets', { ...key, owner: id })) === null)
    const missing = await request('js')
    check('and a request is told so', missing.value === null && /Secrets not found/.test(missing.completed?.error_message), missing)
} catch (e) {
    check('the script ran to its end', false, `${e.stack}`)
}
