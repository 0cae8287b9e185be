//! A server on the loopback device, on a thread and a core of its own, and its client.
//!
//! The client is as simple as can be, and its processor time is not counted: it takes the time of
//! the server's thread from the server, before and after a batch.

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
}

/// A running server with its client.
#[derive(Debug)]
pub struct Loopback {
    clients: Vec<Client>,
    /// The request that is sent next.
    request: Vec<u8>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Loopback {
    /// Starts a server; call it before the calling thread is pinned to the other core.
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
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                bound.send(listener.local_addr()?).context("the client has gone")?;
                let serve = async {
                    match server {
                        Server::Node0 => {
                            node0::serve(listener, service).run().await;
                            Ok(())
                        }
                        Server::Axum => axum::serve(listener, service.make()).await,
                    }
                };
                tokio::select! {
                    ended = serve => ended.context("the server failed"),
                    () = stopped.notified() => Ok(()),
                }
            })
        });
        let address = listens.recv().context("the server cannot listen")?;
        let clients = (0..CONNECTIONS).map(|_| Client::connect(address)).collect::<Result<_>>()?;
        Ok(Self { clients, request: Vec::new(), stop, thread: Some(thread) })
    }

    /// Sends requests on all connections at once, so many on each; `write` writes the next one.
    ///
    /// Returns the processor time of the server's thread for each request.
    ///
    /// # Errors
    /// Fails when the server gives no answer, or one that is no success.
    pub fn send(
        &mut self,
        form: Form,
        each: usize,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<f64> {
        let before = self.server_time()?;
        form.choose();
        for _ in 0..each {
            for client in &mut self.clients {
                write(&mut self.request);
                client.send(&self.request)?;
            }
            for client in &mut self.clients {
                client.receive()?;
            }
        }
        Form::Alone.choose();
        let took = self.server_time()? - before;
        // The end of one request for the time and the start of the other are one request more.
        Ok(took / (each * CONNECTIONS + 1) as f64)
    }

    /// Sends one request, and returns the body of its answer.
    ///
    /// # Errors
    /// As [`Loopback::send`].
    pub fn fetch(&mut self, path: &str) -> Result<&[u8]> {
        self.clients[0].fetch(path)
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
