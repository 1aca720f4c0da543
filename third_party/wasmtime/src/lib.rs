// SPDX-License-Identifier: Apache-2.0
//! wasmtime's C API as one static library, and the one answer that it lacks: which trap a failed component call met.
pub use wasmtime_c_api::*;

/// Takes `error` and gives it back; `code` becomes its trap code as in wasmtime/trap.h, or -1 where it is no trap.
#[unsafe(no_mangle)]
pub extern "C" fn outlayer_error_trap_code(
    error: Box<wasmtime_error_t>,
    code: &mut i32,
) -> Box<wasmtime_error_t> {
    let inner = wasmtime::Error::from(*error);
    *code = match inner.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => i32::from(*trap as u8),
        None => -1,
    };
    Box::new(wasmtime_error_t::from(inner))
}
