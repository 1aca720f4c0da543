// SPDX-License-Identifier: Apache-2.0
//! Validation without compilation, by the engine's own validator, of what guests may use. A module that needs more is
//! refused by the feature's name. Inside a component every core module is held to the same set: several memories are
//! the affair of the adapters that the engine makes between components, never of what a guest brings.
use std::ffi::{CStr, c_char};
use wasmparser::{ComponentTypeRef, Parser, Payload, TypeRef, Validator, WasmFeatures as F};

/// WebAssembly 2.0 without references to host objects, and extended constant expressions.
const GUEST: F = F::FLOATS
    .union(F::MUTABLE_GLOBAL)
    .union(F::SATURATING_FLOAT_TO_INT)
    .union(F::SIGN_EXTENSION)
    .union(F::REFERENCE_TYPES)
    .union(F::MULTI_VALUE)
    .union(F::BULK_MEMORY)
    .union(F::SIMD)
    .union(F::EXTENDED_CONST)
    .union(F::COMPONENT_MODEL);

/// What is refused by name, and how a module comes to be without it.
const REFUSED: &[(F, &CStr, &CStr)] = &[
    (F::THREADS, c"threads", c"compile without -pthread and -matomics, in Rust for wasm32-wasip1"),
    (F::SHARED_EVERYTHING_THREADS, c"threads", c"compile without shared memory"),
    (F::TAIL_CALL, c"tail calls", c"compile with -mno-tail-call"),
    (F::EXCEPTIONS, c"exception handling", c"compile with -fno-exceptions and without -fwasm-exceptions, in Rust with panic = \"abort\""),
    (F::LEGACY_EXCEPTIONS, c"exception handling", c"compile with -fno-exceptions and without -fwasm-exceptions, in Rust with panic = \"abort\""),
    (F::FUNCTION_REFERENCES, c"typed function references", c"compile for WebAssembly 2.0"),
    (F::GC, c"garbage-collected types (rec, sub, struct, array)", c"compile for WebAssembly 2.0 from a language that brings its own memory management"),
    (F::GC_TYPES, c"references to host objects (externref)", c"compile with functions as the only references"),
    (F::CUSTOM_DESCRIPTORS, c"exact types (custom descriptors)", c"compile for WebAssembly 2.0"),
    (F::MULTI_MEMORY, c"several memories", c"compile with one memory"),
    (F::MEMORY64, c"64-bit memories or tables", c"compile for wasm32"),
    (F::RELAXED_SIMD, c"relaxed SIMD", c"compile with -mno-relaxed-simd"),
    (F::WIDE_ARITHMETIC, c"wide arithmetic", c"compile with -mno-wide-arithmetic"),
    (F::CUSTOM_PAGE_SIZES, c"memory pages of another size", c"compile with pages of 64 KiB"),
    (F::STACK_SWITCHING, c"stack switching", c"compile for WebAssembly 2.0"),
    (F::COMPACT_IMPORTS, c"compact imports", c"compile for WebAssembly 2.0"),
    (F::MEMORY_CONTROL, c"memory control", c"compile for WebAssembly 2.0"),
    (F::CM_ASYNC, c"the asynchronous calls of WASI 0.3", c"compile for wasm32-wasip2"),
    (F::CM_ASYNC_STACKFUL, c"the asynchronous calls of WASI 0.3", c"compile for wasm32-wasip2"),
    (F::CM_MORE_ASYNC_BUILTINS, c"the asynchronous calls of WASI 0.3", c"compile for wasm32-wasip2"),
    (F::CM_THREADING, c"the threads of WASI 0.3", c"compile for wasm32-wasip2"),
    (F::CM_ERROR_CONTEXT, c"the error contexts of WASI 0.3", c"compile for wasm32-wasip2"),
    (F::CM_VALUES, c"values in components", c"compile for wasm32-wasip2"),
    (F::CM_NESTED_NAMES, c"nested names in components", c"compile for wasm32-wasip2"),
    (F::CM_FIXED_LENGTH_LISTS, c"lists of fixed length in components", c"compile for wasm32-wasip2"),
    (F::CM_GC, c"garbage-collected types in components", c"compile for wasm32-wasip2"),
    (F::CM_MAP, c"maps in components", c"compile for wasm32-wasip2"),
    (F::CM64, c"64-bit memories in components", c"compile for wasm32-wasip2"),
];
const UNNAMED: (&CStr, &CStr) = (c"a proposal that is not settled", c"compile for WebAssembly 2.0");
const WASI_0: (&CStr, &CStr) = (
    c"WASI's preview 0 (`wasi_unstable`)",
    c"compile with a newer toolchain, for wasm32-wasip1 or wasm32-wasip2",
);
const WASI_3: (&CStr, &CStr) = (c"WASI 0.3", c"compile for wasm32-wasip2");
const WASI_THREADS: (&CStr, &CStr) = (
    c"threads (`wasi.thread-spawn`)",
    c"compile without -pthread, in Rust for wasm32-wasip1",
);

/// Why bytes are refused: a feature with its remedy, or else what is not valid.
pub struct Refusal {
    feature: Option<(&'static CStr, &'static CStr)>,
    text: String,
    offset: u64,
}

fn named(feature: F) -> (&'static CStr, &'static CStr) {
    REFUSED
        .iter()
        .find(|(f, _, _)| feature.intersects(*f))
        .map_or(UNNAMED, |(_, name, remedy)| (*name, *remedy))
}

impl From<wasmparser::Error> for Refusal {
    fn from(e: wasmparser::Error) -> Refusal {
        Refusal {
            feature: e.missing_wasm_feature().map(named),
            text: e.message().to_string(),
            offset: e.offset() as u64,
        }
    }
}

/// The feature without which there would be no error, or a later one: not every error of the validator names its own.
fn missing(bytes: &[u8], e: &wasmparser::Error) -> Option<(&'static CStr, &'static CStr)> {
    let helps = |f: F| match Validator::new_with_features(GUEST.union(f)).validate_all(bytes) {
        Ok(_) => true,
        Err(other) => other.offset() > e.offset(),
    };
    REFUSED.iter().find(|(f, _, _)| helps(*f)).map(|(_, name, remedy)| (*name, *remedy))
}

/// Versions of WASI that are not there are refused by name: the linker would tell of single functions.
fn imported(bytes: &[u8]) -> Result<(), Refusal> {
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let (feature, offset) = match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                continue;
            }
            Payload::End(_) => {
                depth -= 1;
                continue;
            }
            Payload::ImportSection(s) if depth == 0 => {
                let offset = s.range().start;
                let mut feature = None;
                for import in s.into_imports() {
                    let import = import?;
                    let threads = import.module == "wasi" && import.name == "thread-spawn";
                    match import.ty {
                        TypeRef::Func(_) if import.module == "wasi_unstable" => feature = Some(WASI_0),
                        TypeRef::Func(_) if threads => feature = Some(WASI_THREADS),
                        _ => {}
                    }
                }
                (feature, offset)
            }
            Payload::ComponentImportSection(s) if depth == 0 => {
                let offset = s.range().start;
                let mut feature = None;
                for import in s {
                    let import = import?;
                    let instance = matches!(import.ty, ComponentTypeRef::Instance(_));
                    if instance && import.name.name.starts_with("wasi:") && import.name.name.contains("@0.3.") {
                        feature = Some(WASI_3);
                    }
                }
                (feature, offset)
            }
            _ => continue,
        };
        if feature.is_some() {
            return Err(Refusal { feature, text: String::new(), offset: offset as u64 });
        }
    }
    Ok(())
}

fn validate(bytes: &[u8]) -> Result<(), Refusal> {
    if let Err(e) = Validator::new_with_features(GUEST).validate_all(bytes) {
        let feature = e.missing_wasm_feature().map(named).or_else(|| missing(bytes, &e));
        return Err(Refusal { feature, ..Refusal::from(e) });
    }
    imported(bytes)
}

/// What `outlayer_validate` found. `feature` and `remedy` are NULL where no feature is the reason; `text` then says
/// what is not valid. Cut to its room.
#[repr(C)]
pub struct outlayer_refusal {
    feature: *const c_char,
    remedy: *const c_char,
    offset: u64,
    text: [c_char; 256],
}

/// Copies text into a C string of fixed room.
pub fn put_text(text: &str, out: &mut [c_char]) {
    let mut n = text.len().min(out.len() - 1);
    while !text.is_char_boundary(n) {
        n -= 1;
    }
    for (to, from) in out.iter_mut().zip(text.as_bytes()[..n].iter().chain(&[0])) {
        *to = *from as c_char;
    }
}

/// True when the bytes are a valid module or component of what guests may use; otherwise `out` says what is not.
///
/// # Safety
/// `bytes` are `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outlayer_validate(bytes: *const u8, len: usize, out: &mut outlayer_refusal) -> bool {
    let bytes = unsafe { std::slice::from_raw_parts(bytes, len) };
    let Err(refusal) = validate(bytes) else {
        return true;
    };
    (out.feature, out.remedy) = refusal
        .feature
        .map_or((std::ptr::null(), std::ptr::null()), |(name, remedy)| (name.as_ptr(), remedy.as_ptr()));
    out.offset = refusal.offset;
    put_text(&refusal.text, &mut out.text);
    false
}
