//! The services that send an update once a second.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use node0::{Judgement, Monitor, Monitoring, Report, Topic, UnknownTarget, Value, View};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

/// The name of the floor: a task for each connection that writes a shared frame.
pub const RAW_FRAME: &str = "floor, raw frame";

/// The path that all of them serve, with the query of the only one that reads it.
pub const PATH: &str = "/metrics/stream?metrics=bench&interval=1000";
/// The least size of an update.
pub const BYTES: usize = 4096;

/// What the peer and the floor send first, as node0 sends a snapshot: a reader then is connected.
const FIRST: &str = r#"{"type":"snapshot","timestamp":0,"seq":null,"data":{}}"#;

const SECOND: Duration = Duration::from_secs(1);

/// A contender: its name, and what starts it.
pub struct Side {
    pub name: &'static str,
    pub serve: fn() -> Starting,
}

/// Starts a service; returns it with the work that it then does until the process ends.
pub type Starting = Pin<Box<dyn Future<Output = Result<(Served, Work)>>>>;
/// What a service does until the process ends.
pub type Work = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A service.
pub struct Served {
    pub address: SocketAddr,
    /// Returns the number of updates that were handed to the system.
    pub sent: Box<dyn Fn() -> u64 + Send>,
}

pub const SIDES: [Side; 4] = [
    Side { name: "node0", serve: || Box::pin(node0()) },
    Side { name: RAW_FRAME, serve: || Box::pin(raw()) },
    Side { name: "axum's WebSocket", serve: || Box::pin(axum_with(|upgrade| upgrade)) },
    Side { name: "axum's WebSocket, small buffers", serve: || Box::pin(axum_with(small_buffers)) },
];

async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A monitor whose report is as large as an update.
struct Padded {
    reports: AtomicUsize,
}

#[derive(Serialize)]
struct Body {
    number: usize,
    padding: String,
}

impl Monitor for Padded {
    fn topic(&self) -> &'static Topic {
        static TOPIC: Topic = Topic::new("bench", "bench");
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("it is measured")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        let number = self.reports.fetch_add(1, Ordering::Relaxed);
        Ok(Report::new(Body { number, padding: "x".repeat(BYTES) }))
    }
}

async fn node0() -> Result<(Served, Work)> {
    let monitoring =
        Monitoring::builder().enable_streaming().streaming_max_clients(20_000).build()?;
    monitoring.registry().monitor(Arc::new(Padded { reports: AtomicUsize::new(0) }))?;
    let listener = node0::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes: Router = monitoring.routes()?;
    let registry = monitoring.registry().clone();
    let sent = move || match registry
        .read()
        .snapshot
        .value("node0_stream_messages_total", &[("transport", "websocket")])
    {
        Some(Value::Counter(count)) => count.total,
        _ => 0,
    };
    let work = async move {
        monitoring.serve(listener, routes).await?;
        Ok(())
    };
    Ok((Served { address, sent: Box::new(sent) }, Box::pin(work)))
}

/// Calls with the next update once a second.
async fn each_second(mut tell: impl FnMut(String)) {
    let mut ticks = interval(SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in 0_u64.. {
        ticks.tick().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let padding = "x".repeat(BYTES);
        tell(format!(
            "{{\"type\":\"update\",\"timestamp\":{now},\"seq\":{number},\"data\":{{\"bench\":\
             {{\"timestamp\":{now},\"number\":{number},\"padding\":\"{padding}\"}}}}}}"
        ));
    }
}

/// The floor: each connection has a task that writes a frame, which all share.
async fn raw() -> Result<(Served, Work)> {
    let (listener, address) = listen().await?;
    let sent = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = watch::channel(Bytes::new());
    tokio::spawn(each_second(move |text| {
        let head = [0x81, 126, (text.len() >> 8) as u8, text.len() as u8];
        sender.send_replace([&head, text.as_bytes()].concat().into());
    }));
    let count = sent.clone();
    let work = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let (receiver, sent) = (receiver.clone(), sent.clone());
            tokio::spawn(async move { write_frames(stream, receiver, &sent).await });
        }
    };
    let sent = move || count.load(Ordering::Relaxed);
    Ok((Served { address, sent: Box::new(sent) }, Box::pin(work)))
}

async fn write_frames(
    mut stream: TcpStream,
    mut frames: watch::Receiver<Bytes>,
    sent: &AtomicU64,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = [0; 1024];
    let _ = stream.read(&mut head).await?;
    let accepted = "HTTP/1.1 101 Switching Protocols\r\n\r\n".as_bytes();
    let head = [0x81, FIRST.len() as u8];
    stream.write_all(&[accepted, &head, FIRST.as_bytes()].concat()).await?;
    frames.mark_unchanged();
    while frames.changed().await.is_ok() {
        let frame = frames.borrow_and_update().clone();
        stream.write_all(&frame).await?;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// What axum's handlers share.
#[derive(Clone)]
struct Shared {
    updates: broadcast::Sender<Utf8Bytes>,
    sent: Arc<AtomicU64>,
    settings: fn(WebSocketUpgrade) -> WebSocketUpgrade,
}

/// The peer: axum's WebSocket and a broadcast channel.
async fn axum_with(settings: fn(WebSocketUpgrade) -> WebSocketUpgrade) -> Result<(Served, Work)> {
    let (listener, address) = listen().await?;
    let sent = Arc::new(AtomicU64::new(0));
    let (updates, _) = broadcast::channel(16);
    let shared = Shared { updates: updates.clone(), sent: sent.clone(), settings };
    tokio::spawn(each_second(move |text| {
        // It fails while nobody reads.
        let _ = updates.send(text.into());
    }));
    let app = Router::new().route("/metrics/stream", get(upgrade)).with_state(shared);
    let work = async move { Ok(axum::serve(listener, app).await?) };
    let sent = move || sent.load(Ordering::Relaxed);
    Ok((Served { address, sent: Box::new(sent) }, Box::pin(work)))
}

/// The buffers that hold no more than what is sent.
fn small_buffers(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.read_buffer_size(4096).write_buffer_size(0).max_write_buffer_size(256 << 10)
}

async fn upgrade(upgrade: WebSocketUpgrade, State(shared): State<Shared>) -> Response {
    let upgrade = (shared.settings)(upgrade);
    upgrade.on_upgrade(async move |socket| send_updates(socket, shared).await)
}

async fn send_updates(mut socket: WebSocket, shared: Shared) {
    let mut updates = shared.updates.subscribe();
    if socket.send(Message::Text(FIRST.into())).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            received = socket.recv() => {
                let Some(Ok(_)) = received else { return };
            }
            update = updates.recv() => {
                let Ok(text) = update else { return };
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
                shared.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
