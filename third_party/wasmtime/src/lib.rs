// SPDX-License-Identifier: Apache-2.0
//! wasmtime's C API as one static library, and what it lacks: validation without compilation, how a call ended, and
//! what the host does for a guest at a price, and wasi:http over descriptors that somebody else opens.
pub use wasmtime_c_api::*;

mod charge;
mod ends;
mod http;
mod validate;

pub use charge::*;
pub use ends::*;
pub use validate::*;
