//! A server on the loopback device, on a thread and a core of its own, and its client.
//!
//! The client is as simple as can be, and its processor time is not counted: it takes the time of
//! the server's thread from the server, before and after a batch.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::service::{CLOCK, Form, Toggled};
use super::{BODY, Target};
use crate::pin;

/// The open connections, which all have a request under way at the same time.
const CONNECTIONS: usize = 16;

/// The limit for an answer, beyond which something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

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
pub struct Loopback {
    clients: Vec<TcpStream>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Loopback {
    /// Starts a server; call it before the calling thread is pinned to the other core.
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
        let clients = (0..CONNECTIONS).map(|_| connect(address)).collect::<Result<_>>()?;
        Ok(Self { clients, stop, thread: Some(thread) })
    }

    /// Sends requests on all connections at once, so many on each.
    ///
    /// Returns the processor time of the server's thread for each request.
    ///
    /// # Errors
    /// Fails when the server gives no answer.
    pub fn send(&mut self, form: Form, target: Target, each: usize) -> Result<f64> {
        let head = target.head();
        let before = self.server_time()?;
        form.choose();
        for _ in 0..each {
            for client in &mut self.clients {
                client.write_all(&head).context("cannot send a request")?;
            }
            for client in &mut self.clients {
                read_to(client, BODY.len(), |answer| answer.ends_with(BODY.as_bytes()))?;
            }
        }
        Form::Alone.choose();
        let took = self.server_time()? - before;
        // The end of one request for the time and the start of the other are one request more.
        Ok(took / (each * CONNECTIONS + 1) as f64)
    }

    /// Returns the nanoseconds that the server's thread has worked.
    fn server_time(&mut self) -> Result<f64> {
        const DIGITS: usize = 20;
        let client = &mut self.clients[0];
        write!(client, "GET {CLOCK} HTTP/1.1\r\nhost: localhost\r\n\r\n").context("cannot ask")?;
        let answer = read_to(client, DIGITS, |answer| {
            answer.windows(4).position(|end| end == b"\r\n\r\n")
                == answer.len().checked_sub(4 + DIGITS)
        })?;
        let digits = std::str::from_utf8(&answer[answer.len() - DIGITS..])?;
        digits.parse().context("the server's time is no number")
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let client = TcpStream::connect(address).context("cannot reach the server")?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    Ok(client)
}

/// Reads an answer until it is whole.
fn read_to(
    client: &mut TcpStream,
    body: usize,
    is_whole: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>> {
    let (mut answer, mut read) = (vec![0; 1024], 0);
    loop {
        let more = client.read(&mut answer[read..]).context("the server gives no answer")?;
        ensure!(more > 0, "the server closed the connection, or its answer is too long");
        read += more;
        if read > body && is_whole(&answer[..read]) {
            answer.truncate(read);
            return Ok(answer);
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop.notify_one();
        // A failure was reported by the request that met it.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
