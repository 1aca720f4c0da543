// SPDX-License-Identifier: Apache-2.0
//! Asks for the address that its standard input names, with the crate waki: "URL" or "URL BODY".
use std::io::Read;
use std::time::Duration;
use waki::Client;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let (url, body) = text.trim().split_once(' ').map_or((text.trim(), None), |(u, b)| (u, Some(b)));
    let request = match body {
        None => Client::new().get(url),
        Some(body) => Client::new().post(url).body(body.as_bytes().to_vec()),
    };
    match request.connect_timeout(Duration::from_secs(5)).send() {
        Ok(response) => {
            let status = response.status_code();
            let body = response.body().unwrap();
            println!("status={status} len={} body={}", body.len(), String::from_utf8_lossy(&body[..body.len().min(400)]));
        }
        Err(e) => println!("error={e:?}"),
    }
}
