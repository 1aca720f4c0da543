// SPDX-License-Identifier: Apache-2.0
//! What an error says about how a run ended: the C API tells exit statuses below 126 only, no trap of a component, and
//! of a chain of reasons nothing that a program could take apart.
use crate::validate::put_text;
use std::ffi::c_char;
use wasmtime_c_api::wasmtime_error_t;
use wasmtime_wasi::I32Exit;

/// `trap` is as in wasmtime/trap.h, -1 where it is none of the engine's; `text` is the chain of reasons, outermost
/// first; where it does not fit, it is the innermost that stay.
#[repr(C)]
pub struct outlayer_end {
    exited: bool,
    status: i32,
    trap: i32,
    text: [c_char; 400],
}

/// The reasons of an error, one line each; what the engine adds about where it happened is left out.
fn reasons(error: &wasmtime::Error, room: usize) -> String {
    let mut lines: Vec<String> = error
        .chain()
        .map(|reason| reason.to_string())
        .filter(|line| !line.starts_with("error while executing at wasm backtrace"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    lines.dedup();
    while lines.len() > 1 && lines.iter().map(|line| line.len() + 2).sum::<usize>() > room {
        lines.remove(0);
    }
    lines.join(": ")
}

/// Takes `error` apart and frees it.
#[unsafe(no_mangle)]
pub extern "C" fn outlayer_error_end(error: Box<wasmtime_error_t>, out: &mut outlayer_end) {
    let error = wasmtime::Error::from(*error);
    out.exited = false;
    out.trap = -1;
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        out.exited = true;
        out.status = exit.0;
    } else if let Some(trap) = error.downcast_ref::<wasmtime::Trap>() {
        out.trap = i32::from(*trap as u8);
    }
    put_text(&reasons(&error, out.text.len()), &mut out.text);
}
