// SPDX-License-Identifier: Apache-2.0
//! A random number between two bounds: `{"min":1,"max":100}` on standard input, `{"random_number":42}` on standard output.
//! Anything that is not understood is told on standard error, and the exit status is 1: the caller sees both.

use std::io::{Read, Write};
use std::process::ExitCode;

const LARGEST: i64 = 1 << 53;

/// A reader of the one shape of JSON that this service takes.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let end = self.rest.find([' ', '\t', '\r', '\n', ',', '}']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let n: i64 = word.parse().map_err(|_| format!("'{word}' is not a whole number"))?;
        if !(-LARGEST..=LARGEST).contains(&n) || word.starts_with('+') {
            return Err(format!("'{word}' is out of range"));
        }
        self.rest = rest;
        Ok(n)
    }
}

fn bounds(text: &str) -> Result<(i64, i64), String> {
    let mut reader = Reader { rest: text };
    let (mut min, mut max) = (None, None);
    if !reader.take("{") {
        return Err("the input is not a JSON object".into());
    }
    loop {
        let slot = if reader.take("\"min\"") {
            &mut min
        } else if reader.take("\"max\"") {
            &mut max
        } else {
            return Err("the input has something else than min and max".into());
        };
        if !reader.take(":") {
            return Err("a name has no value".into());
        }
        *slot = Some(reader.number()?);
        if !reader.take(",") {
            break;
        }
    }
    if !reader.take("}") || !reader.rest.trim().is_empty() {
        return Err("the input does not end with the object".into());
    }
    match (min, max) {
        (Some(min), Some(max)) if min <= max => Ok((min, max)),
        _ => Err("min and max are not both there and in order".into()),
    }
}

/// 64 random bits from WASI's `random_get`, which the standard library itself has no stable name for.
fn random_u64() -> u64 {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        fn random_get(buffer: *mut u8, length: usize) -> u16;
    }
    let mut bytes = [0u8; 8];
    // Safety: the buffer is ours and as long as we say.
    let errno = unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    assert_eq!(errno, 0, "no random bytes");
    u64::from_le_bytes(bytes)
}

fn random_in(min: i64, max: i64) -> i64 {
    let range = max.abs_diff(min) + 1;
    // Of the 2^64 values the last, incomplete run through the range is thrown away: each number is equally likely.
    let limit = u64::MAX - u64::MAX % range;
    loop {
        let r = random_u64();
        if r < limit {
            return min + (r % range) as i64;
        }
    }
}

fn run() -> Result<(), String> {
    let mut input = String::new();
    std::io::stdin().take(4096).read_to_string(&mut input).map_err(|e| format!("cannot read the input: {e}"))?;
    let (min, max) = bounds(&input)?;
    let answer = format!("{{\"random_number\":{}}}", random_in(min, max));
    std::io::stdout().write_all(answer.as_bytes()).map_err(|e| format!("cannot write: {e}"))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}; expected {{\"min\":1,\"max\":100}} with min <= max, whole numbers below 2^53");
            ExitCode::FAILURE
        }
    }
}
