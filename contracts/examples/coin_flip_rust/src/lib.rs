// SPDX-License-Identifier: Apache-2.0
//! Heads or tails: the contract of `contracts/examples/coin_flip`, with near-sdk. Its methods, arguments, answers and events are
//! the same, and so is the way in which it keeps its players' money; the comments there say why.
use near_sdk::json_types::U128;
use near_sdk::serde_json::{self, json, Value};
use near_sdk::store::LookupMap;
use near_sdk::{env, log, near, require, AccountId, Gas, NearToken, PanicOnDefault, Promise, PromiseOrValue, PromiseResult};

// request_execution, the answer's way back included. The same in each call, so that no caller can starve its callback.
const ASK_GAS: Gas = Gas::from_tgas(100);
const CALLBACK_GAS: Gas = Gas::from_tgas(15);
const OWN_GAS: Gas = Gas::from_tgas(10);
// At most, of a player's first flip: its key and its value in the map of scores.
const SCORE_BYTES: u64 = 160;

#[near(serializers = [json])]
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Heads,
    Tails,
}

#[near(serializers = [json, borsh])]
#[derive(Clone, Copy, Default)]
pub struct Score {
    pub flips: u64,
    pub wins: u64,
}

#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct CoinFlip {
    owner_id: AccountId,
    outlayer_id: AccountId,
    repo: String,
    commit: String,
    price: NearToken,
    open: u64, // flips that wait for OutLayer
    scores: LookupMap<AccountId, Score>,
}

/// What OutLayer's envelope says: the side, or why the coin did not land. Whatever the program has printed, it must not
/// stop the callback.
fn read_envelope(bytes: &[u8]) -> Result<Side, String> {
    let envelope: Value = serde_json::from_slice(bytes).unwrap_or_default();
    match envelope["output"]["random_number"].as_u64() {
        Some(0) => Ok(Side::Heads),
        Some(1) => Ok(Side::Tails),
        _ => Err(envelope["error"].as_str().unwrap_or("the program answered with neither 0 nor 1").into()),
    }
}

#[near]
impl CoinFlip {
    /// Anyone, once: whom to ask, where the program is, what a flip costs.
    #[init]
    pub fn new(owner_id: AccountId, outlayer_id: AccountId, repo: String, commit: String, price: U128) -> Self {
        let price = NearToken::from_yoctonear(price.0);
        Self { owner_id, outlayer_id, repo, commit, price, open: 0, scores: LookupMap::new(b"s") }
    }

    /// What must stay here: the stake of the state, with the scores that open flips may add, and what they may get back.
    fn needed(&self) -> NearToken {
        let bytes = env::storage_usage() + self.open * SCORE_BYTES;
        let stake = env::storage_byte_cost().saturating_mul(bytes.into());
        stake.saturating_add(self.price.saturating_mul(self.open.into()))
    }

    /// Anyone, with the price; what is attached beyond it goes back at once.
    #[payable]
    pub fn flip(&mut self, choice: Side) -> Promise {
        let (player, got) = (env::predecessor_account_id(), env::attached_deposit());
        let gas = env::prepaid_gas().saturating_sub(env::used_gas());
        require!(gas > ASK_GAS.saturating_add(CALLBACK_GAS).saturating_add(OWN_GAS), "Attach at least 130 Tgas to flip the coin");
        if got < self.price {
            let (price, got) = (self.price.as_yoctonear(), got.as_yoctonear());
            env::panic_str(&format!("A flip costs {price} yoctoNEAR, attached are {got}"));
        }
        let beyond = got.saturating_sub(self.price);
        if !beyond.is_zero() {
            Promise::new(player.clone()).transfer(beyond);
        }
        self.open += 1;
        let request = json!({
            "code_source": {"repo": self.repo, "commit": self.commit, "build_target": "wasm32-wasip1"},
            "input_data": "{\"min\":0,\"max\":1}",
            "response_format": "Json",
            "result_envelope": true, // so that a failure is not mistaken for an answer
        });
        let (ask, args) = (Promise::new(self.outlayer_id.clone()), request.to_string().into_bytes());
        let asked = ask.function_call("request_execution".into(), args, self.price, ASK_GAS);
        let own = env::account_balance();
        require!(own >= self.needed(), "The game has too little money of its own to take another flip now");
        asked.then(Self::ext(env::current_account_id()).with_static_gas(CALLBACK_GAS).on_flip(choice, player))
    }

    /// This contract itself: OutLayer's answer.
    #[private]
    pub fn on_flip(&mut self, choice: Side, player: AccountId) -> PromiseOrValue<Value> {
        self.open -= 1;
        let landed = match env::promise_result(0) {
            PromiseResult::Successful(bytes) => read_envelope(&bytes),
            PromiseResult::Failed => Err("OutLayer's promise failed: its own receipts say why".into()),
        };
        let mut answer = json!({"choice": choice, "landed": landed.as_ref().ok(), "won": landed.as_ref().ok().map(|l| *l == choice)});
        match &landed {
            Ok(side) => {
                let score = self.scores.entry(player.clone()).or_default();
                score.flips += 1;
                score.wins += u64::from(*side == choice);
            }
            Err(why) => {
                answer["error"] = why.as_str().into();
                Promise::new(player.clone()).transfer(self.price);
            }
        }
        let mut data = answer.clone();
        data["player"] = player.as_str().into();
        log!("EVENT_JSON:{}", json!({"standard": "coin_flip", "version": "1.0.0", "event": "flipped", "data": [data]}));
        PromiseOrValue::Value(answer)
    }

    /// The owner: all that is neither needed for state nor owed to players.
    pub fn withdraw(&mut self) -> Promise {
        require!(env::predecessor_account_id() == self.owner_id, "Only the owner can withdraw");
        let (have, keep) = (env::account_balance(), self.needed());
        require!(keep < have, "All of it is needed for the state or owed to players");
        Promise::new(self.owner_id.clone()).transfer(have.saturating_sub(keep))
    }

    pub fn get_score(&self, account_id: AccountId) -> Score {
        self.scores.get(&account_id).copied().unwrap_or_default()
    }
}
