// SPDX-License-Identifier: Apache-2.0
//! Statistics of a list of whole numbers: `{"numbers":[3,1,2]}` on standard input gives, on standard output,
//! `{"count":3,"sum":6,"min":1,"max":3,"fnv1a":"…"}` where fnv1a is the 64-bit FNV-1a hash of the input's bytes, 16
//! hexadecimal digits. The same input gives the same bytes, always and everywhere, so anybody can check an answer.

use std::io::{Read, Write};
use std::process::ExitCode;

const INPUT_MAX: usize = 1 << 20;
const LARGEST: i64 = 1 << 53;
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Takes a piece of text off the front, white space before it too.
fn take(rest: &mut &str, text: &str) -> bool {
    let trimmed = rest.trim_start_matches(SPACE);
    match trimmed.strip_prefix(text) {
        Some(behind) => {
            *rest = behind;
            true
        }
        None => false,
    }
}

fn take_number(rest: &mut &str) -> Result<i64, String> {
    let trimmed = rest.trim_start_matches(SPACE);
    let end = trimmed.find([' ', '\t', '\r', '\n', ',', ']']).unwrap_or(trimmed.len());
    let (word, behind) = trimmed.split_at(end);
    let digits = word.strip_prefix('-').unwrap_or(word);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    match word.parse::<i64>() {
        Ok(n) if plain && (-LARGEST..=LARGEST).contains(&n) => {
            *rest = behind;
            Ok(n)
        }
        _ => Err("the list holds something that is not a whole number in range".into()),
    }
}

fn numbers(text: &str) -> Result<Vec<i64>, String> {
    let mut rest = text;
    let mut list = Vec::new();
    if !["{", "\"numbers\"", ":", "["].iter().all(|piece| take(&mut rest, piece)) {
        return Err("the input is not such an object".into());
    }
    loop {
        list.push(take_number(&mut rest)?);
        if !take(&mut rest, ",") {
            break;
        }
    }
    if !take(&mut rest, "]") || !take(&mut rest, "}") || !rest.trim_matches(SPACE).is_empty() {
        return Err("the input does not end with the object".into());
    }
    Ok(list)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf29ce484222325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100000001b3))
}

fn run() -> Result<(), String> {
    let mut input = Vec::new();
    let read = std::io::stdin().take(INPUT_MAX as u64 + 1).read_to_end(&mut input);
    read.map_err(|e| format!("cannot read the input: {e}"))?;
    if input.len() > INPUT_MAX {
        return Err("the input is longer than a mebibyte".into());
    }
    let list = numbers(std::str::from_utf8(&input).map_err(|_| "the input is not UTF-8")?)?;
    // A mebibyte holds fewer than 2^20 numbers of at most 2^53: the sum fits.
    let sum: i64 = list.iter().sum();
    let (min, max) = (list.iter().min().unwrap_or(&0), list.iter().max().unwrap_or(&0));
    let answer = format!(
        "{{\"count\":{},\"sum\":{sum},\"min\":{min},\"max\":{max},\"fnv1a\":\"{:016x}\"}}",
        list.len(),
        fnv1a(&input)
    );
    std::io::stdout().write_all(answer.as_bytes()).map_err(|e| format!("cannot write: {e}"))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}; expected {{\"numbers\":[3,1,2]}} with at least one whole number, each within 2^53");
            ExitCode::FAILURE
        }
    }
}
