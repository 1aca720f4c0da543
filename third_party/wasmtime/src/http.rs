// SPDX-License-Identifier: Apache-2.0
//! wasi:http with hooks of our own. This process makes no socket: for each connection it asks C for a descriptor whose
//! connect has been started, and C asks the broker, which judges the address. From here on it is a client of HTTP/1.1
//! over TCP or TLS. Whatever goes wrong is a value that the guest can handle, never a trap.
//!
//! One run at a time: what it may use stands in statics, as there is no room for it in the C API's store.
use crate::WasmtimeStoreData;
use bytes::Bytes;
use http_body_util::BodyExt;
use std::ffi::{CString, c_char, c_void};
use std::future::{Future, poll_fn};
use std::os::fd::FromRawFd;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, timeout_at};
use tokio_rustls::rustls;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx,
    WasiHttpCtxView, WasiHttpHooks, p2::bindings,
};

/// What one run may hold at once. Beyond it the guest gets an error or a trap; together they stay far below the memory
/// that the process has for them: 1,024 resources with at most 32 KiB of fields each, 16 requests with their buffers.
const RESOURCES_MAX: usize = 1024;
const FIELDS_MAX: usize = 32 << 10;
const REQUESTS_MAX: usize = 16;
const BUFFER_MAX: usize = 64 << 10;
/// Bytes that one call may copy out of the guest (lists of strings may name the same bytes many times).
const CALL_BYTES_MAX: usize = 16 << 20;

/// Where the guest sets no limit. The answer may take as long as the guest has.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// src/wasm/engine.h: struct engine_connect, enum engine_connect_end.
const TRIED_MAX: usize = 7;
#[repr(C)]
pub struct Question {
    host: *const c_char,
    port: u16,
    timeout_ms: u32,
    tried_count: u32,
    tried: [[u8; 16]; TRIED_MAX],
    address: [u8; 16],
    fd: i32,
}
type Connect = unsafe extern "C" fn(ctx: *mut c_void, question: *mut Question) -> i32;
const STARTED: i32 = 0;

/// What a run may use.
struct Run {
    connect: Option<Connect>,
    ctx: *mut c_void,
    roots: Vec<u8>,
    tls: OnceLock<Option<tokio_rustls::TlsConnector>>,
    places: Arc<Semaphore>,
}
// The C side's callback may be called from any thread, several at once: engine.h says so.
unsafe impl Send for Run {}
unsafe impl Sync for Run {}

static RUN: Mutex<Option<Arc<Run>>> = Mutex::new(None);
static FIELDS: AtomicPtr<WasiHttpCtx> = AtomicPtr::new(std::ptr::null_mut());

/// Links wasi:http in the place of wasmtime_component_linker_add_wasi_http.
///
/// # Safety
/// `linker` is a linker of the C API.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outlayer_link_http(
    linker: &mut crate::wasmtime_component_linker_t,
) -> Option<Box<crate::wasmtime_error_t>> {
    // A transparent struct around this very type, whose field is private.
    let linker = unsafe {
        &mut *std::ptr::from_mut(linker).cast::<wasmtime::component::Linker<WasmtimeStoreData>>()
    };
    let options = bindings::LinkOptions::default();
    let linked = bindings::sync::http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, view)
        .and_then(|()| bindings::sync::http::types::add_to_linker::<_, WasiHttp>(linker, &(&options).into(), view))
        .and_then(|()| crate::charge::define_http(linker));
    linked.err().map(|e| Box::new(crate::wasmtime_error_t::from(e)))
}

/// Before each run, once its WASI has been set: what it may use. No `connect`: every request is denied. `roots` are
/// certificates in PEM, trusted beside the built-in ones.
///
/// # Safety
/// `roots` points to `roots_len` bytes; `connect` may be called with `ctx`, from any thread, until the next call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outlayer_use_http(
    mut store: crate::WasmtimeStoreContextMut<'_>,
    connect: Option<Connect>,
    ctx: *mut c_void,
    roots: *const u8,
    roots_len: usize,
) {
    let roots = if roots_len == 0 {
        Vec::new()
    } else {
        unsafe { std::slice::from_raw_parts(roots, roots_len) }.to_vec()
    };
    let run = Run { connect, ctx, roots, tls: OnceLock::new(), places: Arc::new(Semaphore::new(REQUESTS_MAX)) };
    *RUN.lock().unwrap() = Some(Arc::new(run));
    if FIELDS.load(Ordering::Acquire).is_null() {
        let mut fields = WasiHttpCtx::new();
        fields.set_field_size_limit(FIELDS_MAX);
        FIELDS.store(Box::leak(Box::new(fields)), Ordering::Release);
    }
    store.set_hostcall_fuel(CALL_BYTES_MAX);
    store.data_mut().ctx().table.set_max_capacity(RESOURCES_MAX);
}

pub fn view(data: &mut WasmtimeStoreData) -> WasiHttpCtxView<'_> {
    crate::charge::charge_call();
    // One store at a time, which `data` is borrowed from: nobody else holds this reference.
    let ctx = unsafe { &mut *FIELDS.load(Ordering::Acquire) };
    // No bytes, so nothing is allocated.
    WasiHttpCtxView { ctx, table: data.ctx().table, hooks: Box::leak(Box::new(Hooks)) }
}

struct Hooks;
impl WasiHttpHooks for Hooks {
    // Host is not forbidden but made anew, whatever the guest says: libraries that set it go on working.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| *name != http::header::HOST && DEFAULT_FORBIDDEN_HEADERS.contains(name))
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BUFFER_MAX
    }

    fn p2_error_from_hyper(&mut self, e: &hyper::Error) -> bindings::http::types::ErrorCode {
        use bindings::http::types::ErrorCode as Code;
        if e.is_timeout() {
            Code::HttpResponseTimeout
        } else if e.is_parse_too_large() {
            Code::HttpResponseHeaderSectionSize(None)
        } else if e.is_incomplete_message() {
            Code::HttpResponseIncomplete
        } else if e.is_closed() || e.is_canceled() || io_error(e).is_some() {
            Code::ConnectionTerminated
        } else {
            Code::HttpProtocolError
        }
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _fut: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Answer {
        let run = RUN.lock().unwrap().clone();
        let place = run.as_ref().and_then(|r| r.places.clone().try_acquire_owned().ok());
        Box::new(async move {
            let run = run.ok_or(Error::HttpRequestDenied)?;
            let place = Arc::new(place.ok_or(Error::ConnectionLimitReached)?);
            let (response, rest) = exchange(run, request, options.unwrap_or_default(), place).await?;
            Ok((response, Box::new(rest) as Rest))
        })
    }
}
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Rest), Error>> + Send>;

fn io_error<'a>(e: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let mut at = e.source();
    while let Some(e) = at {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return Some(io);
        }
        at = e.source();
    }
    None
}

// --- a connection ---------------------------------------------------------------------------------------------------

fn connect_error(e: &std::io::Error) -> Error {
    use std::io::ErrorKind as Kind;
    match e.kind() {
        Kind::ConnectionRefused => Error::ConnectionRefused,
        Kind::TimedOut => Error::ConnectionTimeout,
        Kind::NetworkUnreachable | Kind::HostUnreachable => Error::DestinationIpUnroutable,
        _ => Error::ConnectionTerminated,
    }
}

fn unknown_name(rcode: &str) -> Error {
    Error::DnsError { rcode: Some(rcode.to_string()), info_code: None }
}

/// What C answers where it starts no connection.
fn refusal(end: i32) -> Error {
    match end {
        1 => Error::DestinationIpProhibited,
        2 => unknown_name("NXDOMAIN"),
        3 => unknown_name("SERVFAIL"),
        4 => Error::DnsTimeout,
        5 => Error::ConnectionRefused,
        6 => Error::DestinationIpUnroutable,
        7 => Error::ConnectionLimitReached,
        8 => Error::HttpRequestDenied,
        _ => Error::InternalError(Some("the worker's own network does not answer".to_string())),
    }
}

struct Start {
    stream: std::net::TcpStream,
    address: [u8; 16],
}

/// Asks for a connection to an address of `host` that is not among those tried. Blocks.
fn ask(run: &Run, host: &CString, port: u16, tried: &[[u8; 16]], timeout: Duration) -> Result<Start, i32> {
    let mut q = Question {
        host: host.as_ptr(),
        port,
        timeout_ms: timeout.as_millis().clamp(1, 600_000) as u32,
        tried_count: tried.len() as u32,
        tried: [[0; 16]; TRIED_MAX],
        address: [0; 16],
        fd: -1,
    };
    q.tried[..tried.len()].copy_from_slice(tried);
    let connect = run.connect.ok_or(8)?;
    match unsafe { connect(run.ctx, &mut q) } {
        STARTED if q.fd >= 0 => {
            Ok(Start { stream: unsafe { std::net::TcpStream::from_raw_fd(q.fd) }, address: q.address })
        }
        end => Err(end),
    }
}

/// Waits until the connect that was started has ended.
async fn finish(start: std::net::TcpStream, deadline: Instant) -> Result<TcpStream, Error> {
    let stream = TcpStream::from_std(start).map_err(|e| connect_error(&e))?;
    match timeout_at(deadline, stream.writable()).await {
        Err(_) => return Err(Error::ConnectionTimeout),
        Ok(ready) => ready.map_err(|e| connect_error(&e))?,
    }
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(e)) | Err(e) => return Err(connect_error(&e)),
    }
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// One address after the other until one answers. What the guest is told is why the last that was tried did not.
async fn connect(run: &Arc<Run>, host: &str, port: u16, deadline: Instant) -> Result<TcpStream, Error> {
    let host = CString::new(host).map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut tried = Vec::new();
    let mut last = None;
    while tried.len() < TRIED_MAX {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(last.unwrap_or(Error::ConnectionTimeout));
        }
        let (run, host, seen) = (run.clone(), host.clone(), tried.clone());
        let asked = tokio::task::spawn_blocking(move || ask(&run, &host, port, &seen, left)).await;
        let start = match asked {
            Ok(Ok(start)) => start,
            Ok(Err(end)) => return Err(last.unwrap_or_else(|| refusal(end))),
            Err(_) => return Err(Error::InternalError(None)),
        };
        tried.push(start.address);
        // A server that does not answer at all leaves time for the next.
        let until = (Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2).min(deadline);
        match finish(start.stream, until).await {
            Ok(stream) => return Ok(stream),
            Err(e) => last = Some(e),
        }
    }
    Err(last.unwrap_or(Error::ConnectionTimeout))
}

// --- TLS ------------------------------------------------------------------------------------------------------------

fn connector(run: &Run) -> Option<tokio_rustls::TlsConnector> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&run.roots).filter_map(Result::ok));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(tokio_rustls::TlsConnector::from(Arc::new(config)))
}

fn tls_error(e: &std::io::Error) -> Error {
    match e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: Some(format!("{alert:?}")) }
        }
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn secure(run: &Run, host: &str, stream: TcpStream, deadline: Instant) -> Result<Box<dyn Stream>, Error> {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let name = rustls::pki_types::ServerName::try_from(bare.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let tls = run.tls.get_or_init(|| connector(run)).clone().ok_or(Error::ConfigurationError)?;
    match timeout_at(deadline, tls.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(e)) => Err(tls_error(&e)),
        Err(_) => Err(Error::ConnectionTimeout),
    }
}

// --- a request and its answer ---------------------------------------------------------------------------------------

/// The answer's body: no longer than the guest allows between two of its pieces.
struct Body {
    incoming: hyper::body::Incoming,
    between: Duration,
    timer: Pin<Box<Sleep>>,
    _place: Arc<OwnedSemaphorePermit>,
}
impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let next = Instant::now() + self.between;
                self.timer.as_mut().reset(next);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(e))) => Poll::Ready(Some(Err(Error::Hyper(e)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.incoming.size_hint()
    }
}

/// Whom the request is for: host, port, and the Host header, which is the authority and nothing else.
fn target(request: &mut http::Request<WasiBody>) -> Result<(String, u16, bool), Error> {
    let uri = request.uri().clone();
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    if request.method() == http::Method::CONNECT {
        return Err(Error::HttpRequestMethodInvalid);
    }
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(Error::HttpRequestUriInvalid);
    }
    let tls = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        None if authority.as_str().len() > authority.host().len() => return Err(Error::HttpRequestUriInvalid),
        None => [80, 443][usize::from(tls)],
    };
    let host = http::HeaderValue::from_str(authority.as_str()).map_err(|_| Error::HttpRequestUriInvalid)?;
    request.headers_mut().insert(http::header::HOST, host);
    // On the wire stands the path alone; scheme and authority would be for a proxy.
    let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_string();
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok((authority.host().to_string(), port, tls))
}

async fn exchange(
    run: Arc<Run>,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
    place: Arc<OwnedSemaphorePermit>,
) -> Result<(http::Response<WasiBody>, impl Future<Output = Result<(), Error>> + Send), Error> {
    let (host, port, tls) = target(&mut request)?;
    let deadline = Instant::now() + options.connect_timeout.unwrap_or(CONNECT_TIMEOUT).min(ANSWER_TIMEOUT);
    let stream = connect(&run, &host, port, deadline).await?;
    let stream: Box<dyn Stream> =
        if tls { secure(&run, &host, stream, deadline).await? } else { Box::new(stream) };
    let io = wasmtime_wasi_http::io::TokioIo::new(stream);
    let (mut sender, mut conn) = hyper::client::conn::http1::Builder::new().max_buf_size(BUFFER_MAX).handshake(io).await?;

    // The connection does its work while the answer's head is waited for, and behind the answer afterwards.
    let first = Instant::now() + options.first_byte_timeout.unwrap_or(ANSWER_TIMEOUT).min(ANSWER_TIMEOUT);
    let mut ended = false;
    let response = {
        let mut send = pin!(timeout_at(first, sender.send_request(request)));
        poll_fn(|cx| {
            let broken = match ended {
                false => match Pin::new(&mut conn).poll(cx) {
                    Poll::Ready(end) => {
                        ended = true;
                        end.err()
                    }
                    Poll::Pending => None,
                },
                true => None,
            };
            match (send.as_mut().poll(cx), broken) {
                (Poll::Ready(Err(_)), _) => Poll::Ready(Err(Error::ConnectionReadTimeout)),
                (Poll::Ready(Ok(Ok(response))), _) => Poll::Ready(Ok(response)),
                (_, Some(e)) | (Poll::Ready(Ok(Err(e))), None) => Poll::Ready(Err(Error::Hyper(e))),
                (Poll::Pending, None) => Poll::Pending,
            }
        })
        .await?
    };
    let between = options.between_bytes_timeout.unwrap_or(ANSWER_TIMEOUT).min(ANSWER_TIMEOUT);
    let held = place.clone();
    let response = response.map(|incoming| {
        let timer = Box::pin(tokio::time::sleep(between));
        Body { incoming, between, timer, _place: place }.boxed_unsync()
    });
    Ok((response, async move {
        let _held = held;
        if ended {
            return Ok(());
        }
        conn.await.map_err(Error::Hyper)
    }))
}
