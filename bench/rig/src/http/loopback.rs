//! A server on the loopback device, on a thread and a core of its own, and its client.
//!
//! The client is as simple as can be, and its processor time is not counted: it takes the time of
//! the server's thread from the server, before and after a batch.
//!
//! node0's server records requests itself. So it runs three times on the same thread, with the same
//! router and the same clock: without recording, the same once more, and with recording. The
//! client has connections to each, and sends a batch to one of them. Their memory lies in different
//! places, which makes a request to one up to 40 ns slower than the same request to another, for as
//! long as both run. So a measurement starts them many times.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::Client;
use super::service::{Form, Toggled};
use crate::{pin, stopwatch};

/// The open connections, which all have a request under way at the same time.
pub const CONNECTIONS: usize = 16;

/// The path whose answer is the processor time of the thread that serves.
const CLOCK: &str = "/clock";

/// Returns a router with the endpoint from which a [`Loopback`] takes the server's time.
pub fn clock() -> Router {
    Router::new().route(CLOCK, get(async || stopwatch::thread_nanos().to_string()))
}

/// The server under which the service runs.
#[derive(Clone, Copy, Debug)]
pub enum Server {
    Node0,
    Axum,
}

impl Server {
    pub const ALL: [Self; 2] = [Self::Node0, Self::Axum];

    pub fn name(self) -> &'static str {
        match self {
            Self::Node0 => "node0",
            Self::Axum => "axum",
        }
    }

    /// The number of servers that answer: for node0 one for each of its [`Form`]s.
    fn count(self) -> usize {
        match self {
            Self::Node0 => 3,
            Self::Axum => 1,
        }
    }

    async fn run(self, listeners: Vec<TcpListener>, service: Toggled) -> Result<()> {
        match (self, <[TcpListener; 3]>::try_from(listeners)) {
            (Self::Node0, Ok([alone, again, recorded])) => {
                let monitoring = service.monitoring();
                let serve = |listener| {
                    node0::serve(listener, service.router()).metrics(monitoring.registry())
                };
                let recorded = serve(recorded)?.record(&monitoring.layer());
                tokio::join!(serve(alone)?.run(), serve(again)?.run(), recorded.run());
                Ok(())
            }
            (_, listeners) => {
                let listener = listeners.err().and_then(|mut listeners| listeners.pop());
                let listener = listener.context("nobody listens")?;
                Ok(axum::serve(listener, service.make()).await?)
            }
        }
    }
}

/// A running server with its client.
#[derive(Debug)]
pub struct Loopback {
    /// The connections to each of the servers.
    clients: Vec<Vec<Client>>,
    /// The request that is sent next.
    request: Vec<u8>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Loopback {
    /// Starts a server.
    ///
    /// The service contains the routes of [`clock`].
    ///
    /// # Errors
    /// Fails when the server cannot listen or be reached.
    pub fn start(server: Server, service: Toggled) -> Result<Self> {
        let (stop, (bound, listens)) = (Arc::new(Notify::new()), channel());
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            pin(1);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut listeners = Vec::new();
                for _ in 0..server.count() {
                    listeners.push(TcpListener::bind("127.0.0.1:0").await?);
                }
                let addresses = listeners.iter().map(TcpListener::local_addr);
                let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
                bound.send(addresses).context("the client has gone")?;
                tokio::select! {
                    ended = server.run(listeners, service) => ended.context("the server failed"),
                    () = stopped.notified() => Ok(()),
                }
            })
        });
        let addresses = listens.recv().context("the server cannot listen")?;
        let connect = |address: SocketAddr| (0..CONNECTIONS).map(move |_| Client::connect(address));
        let clients = addresses.into_iter().map(|address| connect(address).collect());
        let clients = clients.collect::<Result<_>>()?;
        Ok(Self { clients, request: Vec::new(), stop, thread: Some(thread) })
    }

    /// Lets the servers of the two forms that do not record change places.
    pub fn exchange(&mut self) {
        if let [alone, again, ..] = &mut *self.clients {
            mem::swap(alone, again);
        }
    }

    /// Sends requests on all connections at once, so many on each; `write` writes the next one.
    ///
    /// Returns the processor time of the server's thread for each request. One request more on
    /// each connection comes before, so that no batch pays for the caches that another has filled.
    ///
    /// # Errors
    /// Fails when the server gives no answer, or one that is no success.
    pub fn send(
        &mut self,
        form: Form,
        each: usize,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<f64> {
        self.send_untimed(form, 1, &mut write)?;
        let before = self.server_time()?;
        self.send_untimed(form, each, &mut write)?;
        let took = self.server_time()? - before;
        // The end of one request for the time and the start of the other are one request more.
        Ok(took / (each * CONNECTIONS + 1) as f64)
    }

    fn send_untimed(
        &mut self,
        form: Form,
        each: usize,
        write: &mut impl FnMut(&mut Vec<u8>),
    ) -> Result<()> {
        form.choose();
        let last = self.clients.len() - 1;
        let clients = &mut self.clients[last.min(form as usize)];
        for _ in 0..each {
            for client in &mut *clients {
                write(&mut self.request);
                client.send(&self.request)?;
            }
            for client in &mut *clients {
                client.receive()?;
            }
        }
        Form::Alone.choose();
        Ok(())
    }

    /// Sends one request, and returns the body of its answer.
    ///
    /// # Errors
    /// As [`Loopback::send`].
    pub fn fetch(&mut self, path: &str) -> Result<&[u8]> {
        self.clients[0][0].fetch(path)
    }

    /// Returns the nanoseconds that the server's thread has worked.
    ///
    /// # Errors
    /// As [`Loopback::send`].
    pub fn server_time(&mut self) -> Result<f64> {
        let digits = std::str::from_utf8(self.fetch(CLOCK)?)?;
        digits.parse().context("the server's time is no number")
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop.notify_one();
        // A failure was reported by the request that met it.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
