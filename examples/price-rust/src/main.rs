// SPDX-License-Identifier: Apache-2.0
//! Asks an API for a price and answers with one number.
//!   input   {"url":"https://api.example/price?of=near","path":"near.usd"}
//!   output  4.56
use serde_json::Value;
use std::time::Duration;
use wasi_http_client::Client;

fn price(input: &str) -> Result<String, String> {
    let input: Value = serde_json::from_str(input).map_err(|e| format!("the input is no JSON: {e}"))?;
    let text = |name: &str| input[name].as_str().ok_or(format!("the input has no text of this name: {name}"));
    let (url, path) = (text("url")?, text("path")?);

    let response = Client::new().get(url).connect_timeout(Duration::from_secs(10)).send();
    let response = response.map_err(|e| format!("{url}: {e:?}"))?;
    if response.status() != 200 {
        return Err(format!("{url}: status {}", response.status()));
    }
    let body = response.body().map_err(|e| format!("{url}: {e:?}"))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|e| format!("{url}: no JSON: {e}"))?;

    // "near.usd": the member `usd` of the member `near`.
    let value = path.split('.').fold(&answer, |v, name| &v[name]);
    match value {
        Value::Number(n) => Ok(n.to_string()),
        Value::String(s) if s.parse::<f64>().is_ok() => Ok(s.clone()), // some write their numbers as texts
        _ => Err(format!("the answer has no number there: {path}")),
    }
}

fn main() {
    let input = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
    match price(&input) {
        Ok(number) => print!("{number}"),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }
}
