// SPDX-License-Identifier: Apache-2.0
//! A vote of which nobody sees the ballots: each is sealed for a key that only this program ever has (libsodium's
//! `crypto_box_seal`), and only the sums come out.
//!   {"action":"key"}                                         {"public_key":"…"}
//!   {"action":"tally","options":["yes","no"],"ballots":[{"voter":"alice.near","sealed":"…"}]}
//!                                                            {"yes":1,"no":0,"invalid":0}
//! A sealed ballot holds "VOTER CHOICE"; the contract that collected it says whose it is. So nobody can hand in a copy of
//! somebody else's, and each voter has one. Keys and ballots are in hexadecimal.
use crypto_box::SecretKey;
use serde_json::{json, Map, Value};
use std::collections::HashSet;
use std::io::Read;

const INPUT_MAX: u64 = 1 << 20;
const OPTIONS_MAX: usize = 64;

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|p| std::str::from_utf8(p).ok());
    let bytes = |p: Option<&str>| p.filter(|p| p.len() == 2).and_then(|p| u8::from_str_radix(p, 16).ok());
    pairs.map(bytes).collect()
}

fn key() -> Result<SecretKey, String> {
    let text = std::env::var("PROTECTED_VOTE_KEY").map_err(|_| "the secret PROTECTED_VOTE_KEY is missing")?;
    let bytes: [u8; 32] = unhex(&text).and_then(|b| b.try_into().ok()).ok_or("the secret is no key of 32 bytes")?;
    Ok(SecretKey::from(bytes))
}

/// What a ballot chooses; None where it is not the voter's own, or no ballot at all.
fn choice(ballot: &Value, key: &SecretKey, options: &[&str]) -> Option<usize> {
    let plain = key.unseal(&unhex(ballot["sealed"].as_str()?)?).ok()?;
    let (voter, chosen) = std::str::from_utf8(&plain).ok()?.split_once(' ')?;
    options.iter().position(|o| *o == chosen && voter == ballot["voter"])
}

fn tally(input: &Value, key: &SecretKey) -> Result<Value, String> {
    let texts = |v: &'_ Value| v.as_array().map(|a| a.iter().filter_map(|o| o.as_str().map(String::from)).collect::<Vec<_>>());
    let options = texts(&input["options"]).filter(|o| (2..=OPTIONS_MAX).contains(&o.len())).ok_or("there are no options")?;
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    // The sums stand under these names, and a sum that took another's place would be lost.
    let names: HashSet<&str> = options.iter().copied().chain(["invalid"]).collect();
    if names.len() != options.len() + 1 {
        return Err("an option is there twice, or is called \"invalid\"".into());
    }
    let ballots = input["ballots"].as_array().ok_or("there are no ballots")?;
    let (mut counts, mut invalid, mut voters) = (vec![0; options.len()], 0, HashSet::new());
    for ballot in ballots {
        match choice(ballot, key, &options) {
            Some(n) if voters.insert(ballot["voter"].as_str()) => counts[n] += 1,
            _ => invalid += 1,
        }
    }
    let mut sums: Map<String, Value> = options.iter().zip(counts).map(|(o, n)| (o.to_string(), json!(n))).collect();
    sums.insert("invalid".into(), json!(invalid));
    Ok(sums.into())
}

fn answer(input: &str) -> Result<Value, String> {
    let input: Value = serde_json::from_str(input).map_err(|e| format!("the input is no JSON: {e}"))?;
    let key = key()?;
    match input["action"].as_str() {
        Some("key") => {
            let bytes = key.public_key().to_bytes();
            Ok(json!({"public_key": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()}))
        }
        Some("tally") => tally(&input, &key),
        _ => Err("the action is key or tally".into()),
    }
}

fn main() {
    let mut input = String::new();
    let read = std::io::stdin().take(INPUT_MAX).read_to_string(&mut input);
    match read.map_err(|e| format!("cannot read the input: {e}")).and_then(|_| answer(&input)) {
        Ok(answer) => print!("{answer}"),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }
}
