// SPDX-License-Identifier: Apache-2.0
//! Does what its standard input says, with nothing but WASI's own interfaces, and prints what came of it. Words:
//!   get URL | post URL BYTES | many URL COUNT | fields COUNT BYTES | requests COUNT
//!   and before these: connect_ms=N first_ms=N between_ms=N header=Name:value follow
use std::io::Read;
use wasi::http::{outgoing_handler, types::*};

#[derive(Default)]
struct Options {
    connect: Option<u64>,
    first: Option<u64>,
    between: Option<u64>,
    headers: Vec<(String, String)>,
    follow: bool,
}

fn request(method: &Method, url: &str, length: Option<u64>, o: &Options) -> OutgoingRequest {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let at = rest.find('/').unwrap_or(rest.len());
    let fields = Fields::new();
    for (name, value) in &o.headers {
        if let Err(e) = fields.append(name, value.as_bytes()) {
            println!("header={e:?}");
        }
    }
    if let Some(length) = length {
        fields.append("content-length", length.to_string().as_bytes()).unwrap();
    }
    let r = OutgoingRequest::new(fields);
    r.set_method(method).unwrap();
    r.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).unwrap();
    r.set_authority(Some(&rest[..at])).unwrap();
    r.set_path_with_query(Some(if at < rest.len() { &rest[at..] } else { "/" })).unwrap();
    r
}

fn options(o: &Options) -> RequestOptions {
    let r = RequestOptions::new();
    r.set_connect_timeout(o.connect.map(|ms| ms * 1_000_000)).unwrap();
    r.set_first_byte_timeout(o.first.map(|ms| ms * 1_000_000)).unwrap();
    r.set_between_bytes_timeout(o.between.map(|ms| ms * 1_000_000)).unwrap();
    r
}

fn send_body(body: OutgoingBody, mut left: u64) -> Result<(), ErrorCode> {
    let stream = body.write().unwrap();
    let ready = stream.subscribe();
    while left > 0 {
        ready.block();
        let Ok(room) = stream.check_write() else { break };
        let n = room.min(left).min(65536);
        if stream.write(&vec![b'x'; n as usize]).is_err() {
            break;
        }
        left -= n;
    }
    let _ = stream.blocking_flush();
    drop(ready);
    drop(stream);
    OutgoingBody::finish(body, None)
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    future.get().unwrap().unwrap()
}

fn read_body(response: IncomingResponse) -> Result<Vec<u8>, String> {
    let body = response.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(65536) {
            Ok(bytes) => all.extend_from_slice(&bytes),
            Err(wasi::io::streams::StreamError::Closed) => return Ok(all),
            Err(wasi::io::streams::StreamError::LastOperationFailed(e)) => {
                return Err(e.to_debug_string());
            }
        }
    }
}

fn exchange(method: &Method, url: &str, length: Option<u64>, o: &Options) -> Result<String, ErrorCode> {
    let r = request(method, url, length, o);
    let body = length.map(|n| (r.body().unwrap(), n));
    let future = outgoing_handler::handle(r, Some(options(o)))?;
    if let Some((body, n)) = body {
        let sent = send_body(body, n);
        if sent.is_err() {
            println!("sent={sent:?}");
        }
    }
    let response = wait(&future)?;
    let status = response.status();
    if o.follow && (300..400).contains(&status) {
        let to = String::from_utf8(response.headers().get("location")[0].clone()).unwrap();
        return exchange(&Method::Get, &to, None, o);
    }
    Ok(match read_body(response) {
        Ok(b) => {
            let sum = b.iter().fold(0u64, |s, x| s.wrapping_mul(31).wrapping_add(u64::from(*x)));
            format!("status={status} len={} sum={sum} body={}", b.len(), String::from_utf8_lossy(&b[..b.len().min(400)]))
        }
        Err(e) => format!("status={status} broken={e}"),
    })
}

fn tell(result: Result<String, ErrorCode>) {
    match result {
        Ok(text) => println!("{text}"),
        Err(e) => println!("error={e:?}"),
    }
}

/// Requests at once, none of which is waited for before all have been asked for.
fn many(url: &str, count: u64, o: &Options) {
    let futures: Vec<_> = (0..count)
        .map(|_| outgoing_handler::handle(request(&Method::Get, url, None, o), Some(options(o))).unwrap())
        .collect();
    let (mut ok, mut refused) = (0, 0);
    let mut kept = Vec::new();
    for f in &futures {
        match wait(f) {
            Ok(response) => {
                ok += 1;
                kept.push(response); // its connection stays open
            }
            Err(ErrorCode::ConnectionLimitReached) => refused += 1,
            Err(e) => println!("error={e:?}"),
        }
    }
    println!("ok={ok} refused={refused}");
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let mut o = Options::default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |i: usize| words[i].parse::<u64>().unwrap();
    let mut i = 0;
    while i < words.len() {
        match words[i].split_once('=').unwrap_or((words[i], "")) {
            ("connect_ms", n) => o.connect = n.parse().ok(),
            ("first_ms", n) => o.first = n.parse().ok(),
            ("between_ms", n) => o.between = n.parse().ok(),
            ("header", h) => o.headers.push(h.split_once(':').map(|(n, v)| (n.into(), v.into())).unwrap()),
            ("follow", _) => o.follow = true,
            ("get", _) => {
                tell(exchange(&Method::Get, words[i + 1], None, &o));
                i += 1;
            }
            ("post", _) => {
                tell(exchange(&Method::Post, words[i + 1], Some(number(i + 2)), &o));
                i += 2;
            }
            ("many", _) => {
                many(words[i + 1], number(i + 2), &o);
                i += 2;
            }
            ("fields", _) => {
                // What the engine keeps of a guest's is the host's memory.
                let kept: Vec<Fields> = (0..number(i + 1))
                    .map(|_| {
                        let f = Fields::new();
                        f.append("x", &vec![b'v'; number(i + 2) as usize]).unwrap();
                        f
                    })
                    .collect();
                println!("fields={}", kept.len());
                i += 2;
            }
            ("requests", _) => {
                let kept: Vec<_> = (0..number(i + 1)).map(|_| OutgoingRequest::new(Fields::new())).collect();
                println!("requests={}", kept.len());
                i += 1;
            }
            (other, _) => panic!("what is {other}?"),
        }
        i += 1;
    }
}
