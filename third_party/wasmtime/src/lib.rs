// SPDX-License-Identifier: Apache-2.0
//! wasmtime's C API as one static library, and what it lacks: validation without compilation, and how a call ended.
pub use wasmtime_c_api::*;

mod ends;
mod validate;

pub use ends::*;
pub use validate::*;
