// SPDX-License-Identifier: Apache-2.0
//! What the host does for a guest costs instructions by its length. The rewriter cannot see it, so it is charged here:
//! every call of WASI by a fixed price, and what is copied, made or waited for by its size, before the work is done where
//! the size is known before. A component's strings and lists that go *to* a guest are charged by the rewriter, at the
//! guest's own `realloc`, through which all of them must pass.
use crate::http::view;
use std::cell::Cell;
use std::ffi::c_void;
use wasmtime::component::{HasData, LinkerInstance, Resource, ResourceTable};
use wasmtime::{AsContextMut, Caller, Extern, Linker, Result, StoreContextMut, bail};
use wasmtime_c_api::{
    WasmtimeStoreData as Data, wasi_config_t, wasmtime_component_linker_t, wasmtime_error_t, wasmtime_linker_t,
};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as p1};
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::bindings::{clocks, random, sockets};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::runtime::in_tokio;
use wasmtime_wasi::{I32Exit, WasiView};
use wasmtime_wasi_http::p2::bindings::http::types as http;
use wasmtime_wasi_http::{FieldMap, WasiHttpCtxView};
use wiggle::GuestMemory;

/// The counter of the run at hand, and the price list's numbers for the host.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct outlayer_meter {
    /// Takes instructions from the run's counter; false once there are none left.
    charge: extern "C" fn(ctx: *mut c_void, instructions: u64) -> bool,
    ctx: *mut c_void,
    /// Prices: of a call, a byte copied, a random byte made, a subscription polled, a piece written.
    call: u64,
    byte: u64,
    random: u64,
    poll: u64,
    write: u64,
    /// Bytes of the environment and of the arguments, as P1 hands them out.
    environment: u64,
    arguments: u64,
}

struct Run {
    meter: outlayer_meter,
    p1: Option<WasiP1Ctx>,
}

thread_local! {
    /// A process runs one guest, on one thread. WASI's functions get no more of the C API's store than it shows.
    static RUN: Cell<*mut Run> = const { Cell::new(std::ptr::null_mut()) };
}

fn run<'a>() -> &'a mut Run {
    let at = RUN.with(Cell::get);
    assert!(!at.is_null(), "WASI was called outside of a run");
    // One host function is active at a time, and none keeps this beyond its end.
    unsafe { &mut *at }
}

fn p1_of_run<'a>() -> &'a mut WasiP1Ctx {
    run().p1.as_mut().expect("a P1 guest's run has P1's state")
}

/// Once the counter is used up the guest ends, here or at its next look at it.
fn charge(price: impl Fn(&outlayer_meter) -> u64, times: u64) -> Result<()> {
    let meter = &run().meter;
    if (meter.charge)(meter.ctx, price(meter).saturating_mul(times)) {
        Ok(())
    } else {
        Err(wasmtime::Trap::OutOfFuel.into())
    }
}

pub fn charge_bytes(n: usize) -> Result<()> {
    charge(|m| m.byte, n as u64)
}

/// What is written goes on in pieces of 4,096 bytes, each of which waits for the stream's own task.
fn charge_written(n: u64) -> Result<()> {
    charge(|m| m.write, n.div_ceil(4096))?;
    charge(|m| m.byte, n)
}

/// For places that cannot fail: the guest then ends at its next look.
pub fn charge_call() {
    let _ = charge(|m| m.call, 1);
}

/// Begins a run on this thread. `config` is a P1 guest's, NULL for a component, whose store has it.
///
/// # Safety
/// `meter.ctx` lives until `outlayer_run_end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outlayer_run_begin(
    meter: &outlayer_meter,
    config: Option<Box<wasi_config_t>>,
) -> Option<Box<wasmtime_error_t>> {
    let p1 = match config.map(|config| config.into_wasi_ctx()).transpose() {
        Ok(p1) => p1,
        Err(e) => return Some(Box::new(wasmtime_error_t::from(e))),
    };
    RUN.with(|r| r.set(Box::into_raw(Box::new(Run { meter: *meter, p1 }))));
    None
}

#[unsafe(no_mangle)]
pub extern "C" fn outlayer_run_end() {
    let at = RUN.with(|r| r.replace(std::ptr::null_mut()));
    if !at.is_null() {
        drop(unsafe { Box::from_raw(at) });
    }
}

// --- P1 ------------------------------------------------------------------------------------------------------------

const P1: &str = "wasi_snapshot_preview1";

/// The caller's memory beside WASI's state, as the library's own functions take them.
fn with_memory<R>(
    caller: &mut Caller<'_, Data>,
    f: impl FnOnce(&mut GuestMemory<'_>, &mut WasiP1Ctx) -> Result<R>,
) -> Result<R> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        bail!("missing required memory export");
    };
    let fuel = caller.as_context_mut().hostcall_fuel();
    let ctx = p1_of_run();
    p1::WasiSnapshotPreview1::set_hostcall_fuel(ctx, fuel);
    f(&mut GuestMemory::Unshared(memory.data_mut(caller)), ctx)
}

/// How many bytes a call moved, which it has written where the guest asked for it.
fn moved(memory: &GuestMemory<'_>, errno: i32, at: i32) -> Result<u64> {
    let moved: u32 = if errno == 0 { memory.read(wiggle::GuestPtr::new(at as u32))? } else { 0 };
    Ok(moved.into())
}

/// The functions of P1 whose work has a length. No folder is open to a guest: of those that take a path, only
/// `path_open` reads it before it looks for one.
fn define_p1(l: &mut Linker<Data>) -> Result<()> {
    l.func_wrap(P1, "proc_exit", |status: i32| -> Result<()> { Err(I32Exit(status).into()) })?;
    l.func_wrap(P1, "random_get", |mut c: Caller<'_, Data>, at: i32, len: i32| {
        charge_call();
        charge(|m| m.random, u64::from(len as u32))?;
        with_memory(&mut c, |memory, ctx| p1::random_get(ctx, memory, at, len))
    })?;
    l.func_wrap(P1, "args_sizes_get", |mut c: Caller<'_, Data>, n: i32, size: i32| {
        charge_call();
        charge(|m| m.byte * m.arguments, 1)?;
        with_memory(&mut c, |memory, ctx| p1::args_sizes_get(ctx, memory, n, size))
    })?;
    l.func_wrap(P1, "args_get", |mut c: Caller<'_, Data>, list: i32, text: i32| {
        charge_call();
        charge(|m| m.byte * m.arguments, 1)?;
        with_memory(&mut c, |memory, ctx| p1::args_get(ctx, memory, list, text))
    })?;
    l.func_wrap(P1, "environ_sizes_get", |mut c: Caller<'_, Data>, n: i32, size: i32| {
        charge_call();
        charge(|m| m.byte * m.environment, 1)?;
        with_memory(&mut c, |memory, ctx| p1::environ_sizes_get(ctx, memory, n, size))
    })?;
    l.func_wrap(P1, "environ_get", |mut c: Caller<'_, Data>, list: i32, text: i32| {
        charge_call();
        charge(|m| m.byte * m.environment, 1)?;
        with_memory(&mut c, |memory, ctx| p1::environ_get(ctx, memory, list, text))
    })?;
    l.func_wrap(P1, "fd_read", |mut c: Caller<'_, Data>, fd: i32, list: i32, n: i32, to: i32| {
        charge_call();
        charge(|m| m.byte * 8, u64::from(n as u32))?;
        with_memory(&mut c, |memory, ctx| {
            let errno = in_tokio(p1::fd_read(ctx, memory, fd, list, n, to))?;
            charge(|m| m.byte, moved(memory, errno, to)?)?;
            Ok(errno)
        })
    })?;
    l.func_wrap(P1, "fd_write", |mut c: Caller<'_, Data>, fd: i32, list: i32, n: i32, to: i32| {
        charge_call();
        charge(|m| m.byte * 8, u64::from(n as u32))?;
        with_memory(&mut c, |memory, ctx| {
            let errno = in_tokio(p1::fd_write(ctx, memory, fd, list, n, to))?;
            charge_written(moved(memory, errno, to)?)?;
            Ok(errno)
        })
    })?;
    l.func_wrap(P1, "fd_pread", |mut c: Caller<'_, Data>, fd: i32, list: i32, n: i32, from: i64, to: i32| {
        charge_call();
        charge(|m| m.byte * 8, u64::from(n as u32))?;
        with_memory(&mut c, |memory, ctx| {
            let errno = in_tokio(p1::fd_pread(ctx, memory, fd, list, n, from, to))?;
            charge(|m| m.byte, moved(memory, errno, to)?)?;
            Ok(errno)
        })
    })?;
    l.func_wrap(P1, "fd_pwrite", |mut c: Caller<'_, Data>, fd: i32, list: i32, n: i32, from: i64, to: i32| {
        charge_call();
        charge(|m| m.byte * 8, u64::from(n as u32))?;
        with_memory(&mut c, |memory, ctx| {
            let errno = in_tokio(p1::fd_pwrite(ctx, memory, fd, list, n, from, to))?;
            charge_written(moved(memory, errno, to)?)?;
            Ok(errno)
        })
    })?;
    l.func_wrap(P1, "poll_oneoff", |mut c: Caller<'_, Data>, subs: i32, events: i32, n: i32, done: i32| {
        charge_call();
        charge(|m| m.poll, u64::from(n as u32))?;
        with_memory(&mut c, |memory, ctx| in_tokio(p1::poll_oneoff(ctx, memory, subs, events, n, done)))
    })?;
    l.func_wrap(
        P1,
        "path_open",
        |mut c: Caller<'_, Data>, fd: i32, look: i32, at: i32, len: i32, o: i32, base: i64, more: i64, f: i32, to: i32| {
            charge_call();
            charge_bytes(len as u32 as usize)?;
            with_memory(&mut c, |memory, ctx| {
                in_tokio(p1::path_open(ctx, memory, fd, look, at, len, o, base, more, f, to))
            })
        },
    )?;
    Ok(())
}

fn failure(done: Result<()>) -> Option<Box<wasmtime_error_t>> {
    done.err().map(|e| Box::new(wasmtime_error_t::from(e)))
}

/// WASI P1, each call charged.
///
/// # Safety
/// The linker is of no other thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outlayer_linker_define_p1(linker: *mut wasmtime_linker_t) -> Option<Box<wasmtime_error_t>> {
    // The C API's linker is the Rust one in a struct of one field.
    let l = unsafe { &mut *linker.cast::<Linker<Data>>() };
    let all = wasmtime_wasi::p1::add_to_linker_sync(l, |_: &mut Data| {
        charge_call();
        p1_of_run()
    });
    l.allow_shadowing(true);
    let done = all.and_then(|()| define_p1(l));
    l.allow_shadowing(false);
    failure(done)
}

// --- P2 ------------------------------------------------------------------------------------------------------------

struct HasTable;
impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

fn table(data: &mut Data) -> &mut ResourceTable {
    charge_call();
    data.ctx().table
}

fn told<T>(
    table: &mut ResourceTable,
    done: Result<T, wasmtime_wasi::p2::StreamError>,
) -> Result<(Result<T, streams::StreamError>,)> {
    Ok((match done {
        Ok(value) => Ok(value),
        Err(e) => Err(streams::Host::convert_stream_error(table, e)?),
    },))
}

type Out = Resource<streams::OutputStream>;
type In = Resource<streams::InputStream>;
type Context<'a> = StoreContextMut<'a, Data>;

/// What is written has its length before; of what is only passed on, the length is known afterwards.
fn define_streams(i: &mut LinkerInstance<'_, Data>) -> Result<()> {
    use streams::{HostInputStream as I, HostOutputStream as O};
    i.func_wrap("[method]output-stream.write", |mut c: Context<'_>, (s, bytes): (Out, Vec<u8>)| {
        let table = table(c.data_mut());
        charge_written(bytes.len() as u64)?;
        let done = O::write(table, s, bytes);
        told(table, done)
    })?;
    i.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut c: Context<'_>, (s, bytes): (Out, Vec<u8>)| {
            let table = table(c.data_mut());
            charge_written(bytes.len() as u64)?;
            let done = O::blocking_write_and_flush(table, s, bytes);
            told(table, done)
        },
    )?;
    i.func_wrap("[method]output-stream.write-zeroes", |mut c: Context<'_>, (s, n): (Out, u64)| {
        let table = table(c.data_mut());
        charge_written(n)?;
        let done = O::write_zeroes(table, s, n);
        told(table, done)
    })?;
    i.func_wrap(
        "[method]output-stream.blocking-write-zeroes-and-flush",
        |mut c: Context<'_>, (s, n): (Out, u64)| {
            let table = table(c.data_mut());
            charge_written(n)?;
            let done = O::blocking_write_zeroes_and_flush(table, s, n);
            told(table, done)
        },
    )?;
    i.func_wrap("[method]output-stream.splice", |mut c: Context<'_>, (s, from, n): (Out, In, u64)| {
        let table = table(c.data_mut());
        let done = O::splice(table, s, from, n);
        charge_written(*done.as_ref().unwrap_or(&0))?;
        told(table, done)
    })?;
    i.func_wrap("[method]output-stream.blocking-splice", |mut c: Context<'_>, (s, from, n): (Out, In, u64)| {
        let table = table(c.data_mut());
        let done = O::blocking_splice(table, s, from, n);
        charge_written(*done.as_ref().unwrap_or(&0))?;
        told(table, done)
    })?;
    i.func_wrap("[method]input-stream.skip", |mut c: Context<'_>, (s, n): (In, u64)| {
        let table = table(c.data_mut());
        let done = I::skip(table, s, n);
        charge(|m| m.byte, *done.as_ref().unwrap_or(&0))?;
        told(table, done)
    })?;
    i.func_wrap("[method]input-stream.blocking-skip", |mut c: Context<'_>, (s, n): (In, u64)| {
        let table = table(c.data_mut());
        let done = I::blocking_skip(table, s, n);
        charge(|m| m.byte, *done.as_ref().unwrap_or(&0))?;
        told(table, done)
    })
}

/// Random bytes are made before they pass a `realloc`; names are never looked up for a guest.
fn define_others(l: &mut wasmtime::component::Linker<Data>) -> Result<()> {
    l.instance("wasi:io/poll@0.2.12")?.func_wrap(
        "poll",
        |mut c: Context<'_>, (list,): (Vec<Resource<poll::Pollable>>,)| {
            let table = table(c.data_mut());
            charge(|m| m.poll, list.len() as u64)?;
            poll::Host::poll(table, list).map(|ready| (ready,))
        },
    )?;
    l.instance("wasi:random/random@0.2.12")?.func_wrap("get-random-bytes", |mut c: Context<'_>, (n,): (u64,)| {
        charge_call();
        charge(|m| m.random, n)?;
        random::random::Host::get_random_bytes(c.data_mut().random(), n).map(|bytes| (bytes,))
    })?;
    l.instance("wasi:random/insecure@0.2.12")?.func_wrap(
        "get-insecure-random-bytes",
        |mut c: Context<'_>, (n,): (u64,)| {
            charge_call();
            charge(|m| m.random, n)?;
            random::insecure::Host::get_insecure_random_bytes(c.data_mut().random(), n).map(|bytes| (bytes,))
        },
    )?;
    l.instance("wasi:sockets/ip-name-lookup@0.2.12")?.func_wrap(
        "resolve-addresses",
        |_: Context<'_>, (_, name): (Resource<sockets::network::Network>, String)| {
            charge_call();
            charge_bytes(name.len())?;
            Ok((Err::<Resource<sockets::ip_name_lookup::ResolveAddressStream>, _>(
                sockets::network::ErrorCode::AccessDenied,
            ),))
        },
    )
}

/// WASI P2 without its HTTP, charged: each call of what a guest calls in loops, and whatever has a length.
#[unsafe(no_mangle)]
pub extern "C" fn outlayer_linker_define_p2(linker: &mut wasmtime_component_linker_t) -> Option<Box<wasmtime_error_t>> {
    // Transparent over the Rust one.
    let l = unsafe { &mut *std::ptr::from_mut(linker).cast::<wasmtime::component::Linker<Data>>() };
    let mut define = || -> Result<()> {
        wasmtime_wasi::p2::add_to_linker_sync(l)?;
        l.allow_shadowing(true);
        poll::add_to_linker::<Data, HasTable>(l, table)?;
        streams::add_to_linker::<Data, HasTable>(l, table)?;
        clocks::wall_clock::add_to_linker::<Data, WasiClocks>(l, clocks_of)?;
        clocks::monotonic_clock::add_to_linker::<Data, WasiClocks>(l, clocks_of)?;
        random::random::add_to_linker::<Data, WasiRandom>(l, random_of)?;
        random::insecure::add_to_linker::<Data, WasiRandom>(l, random_of)?;
        define_streams(&mut l.instance("wasi:io/streams@0.2.12")?)?;
        define_others(l)
    };
    let done = define();
    l.allow_shadowing(false);
    failure(done)
}

fn clocks_of(data: &mut Data) -> wasmtime_wasi::clocks::WasiClocksCtxView<'_> {
    charge_call();
    data.clocks()
}

fn random_of(data: &mut Data) -> &mut wasmtime_wasi::random::WasiRandomCtx {
    charge_call();
    data.random()
}

// --- wasi:http -----------------------------------------------------------------------------------------------------

type Fields = Resource<FieldMap>;
type Request = Resource<http::OutgoingRequest>;

fn told_header<T>(
    mut view: WasiHttpCtxView<'_>,
    done: Result<T, wasmtime_wasi_http::p2::HeaderError>,
) -> Result<(Result<T, http::HeaderError>,)> {
    Ok((match done {
        Ok(value) => Ok(value),
        Err(e) => Err(http::Host::convert_header_error(&mut view, e)?),
    },))
}

fn bytes_of(fields: &FieldMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// What goes out with a request: its fields and its target. Bodies go through streams.
pub fn define_http(l: &mut wasmtime::component::Linker<Data>) -> Result<()> {
    use http::{HostFields as F, HostOutgoingRequest as R};
    l.allow_shadowing(true);
    let mut i = l.instance("wasi:http/types@0.2.12")?;
    i.func_wrap("[static]fields.from-list", |mut c: Context<'_>, (list,): (Vec<(String, Vec<u8>)>,)| {
        let mut view = view(c.data_mut());
        charge_bytes(list.iter().map(|(name, value)| name.len() + value.len()).sum())?;
        let done = F::from_list(&mut view, list);
        told_header(view, done)
    })?;
    i.func_wrap("[method]fields.get", |mut c: Context<'_>, (f, name): (Fields, String)| {
        charge_bytes(name.len())?;
        F::get(&mut view(c.data_mut()), f, name).map(|values| (values,))
    })?;
    i.func_wrap("[method]fields.has", |mut c: Context<'_>, (f, name): (Fields, String)| {
        charge_bytes(name.len())?;
        F::has(&mut view(c.data_mut()), f, name).map(|has| (has,))
    })?;
    i.func_wrap("[method]fields.set", |mut c: Context<'_>, (f, name, list): (Fields, String, Vec<Vec<u8>>)| {
        let mut view = view(c.data_mut());
        charge_bytes(name.len() + list.iter().map(Vec::len).sum::<usize>())?;
        let done = F::set(&mut view, f, name, list);
        told_header(view, done)
    })?;
    i.func_wrap("[method]fields.delete", |mut c: Context<'_>, (f, name): (Fields, String)| {
        let mut view = view(c.data_mut());
        charge_bytes(name.len())?;
        let done = F::delete(&mut view, f, name);
        told_header(view, done)
    })?;
    i.func_wrap("[method]fields.append", |mut c: Context<'_>, (f, name, value): (Fields, String, Vec<u8>)| {
        let mut view = view(c.data_mut());
        charge_bytes(name.len() + value.len())?;
        let done = F::append(&mut view, f, name, value);
        told_header(view, done)
    })?;
    i.func_wrap("[method]fields.clone", |mut c: Context<'_>, (f,): (Fields,)| {
        let mut view = view(c.data_mut());
        charge_bytes(bytes_of(view.table.get(&f)?))?;
        F::clone(&mut view, f).map(|copy| (copy,))
    })?;
    i.func_wrap("[method]outgoing-request.set-method", |mut c: Context<'_>, (r, method): (Request, http::Method)| {
        charge_bytes(if let http::Method::Other(name) = &method { name.len() } else { 0 })?;
        R::set_method(&mut view(c.data_mut()), r, method).map(|done| (done,))
    })?;
    i.func_wrap("[method]outgoing-request.set-scheme", |mut c: Context<'_>, (r, scheme): (Request, Option<http::Scheme>)| {
        charge_bytes(if let Some(http::Scheme::Other(name)) = &scheme { name.len() } else { 0 })?;
        R::set_scheme(&mut view(c.data_mut()), r, scheme).map(|done| (done,))
    })?;
    i.func_wrap("[method]outgoing-request.set-path-with-query", |mut c: Context<'_>, (r, text): (Request, Option<String>)| {
        charge_bytes(text.as_ref().map_or(0, String::len))?;
        R::set_path_with_query(&mut view(c.data_mut()), r, text).map(|done| (done,))
    })?;
    i.func_wrap("[method]outgoing-request.set-authority", |mut c: Context<'_>, (r, text): (Request, Option<String>)| {
        charge_bytes(text.as_ref().map_or(0, String::len))?;
        R::set_authority(&mut view(c.data_mut()), r, text).map(|done| (done,))
    })?;
    l.allow_shadowing(false);
    Ok(())
}
