//! A connection within the process: hyper's server at one end of a pipe, the client at the other.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::BoxError;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tower_service::Service;

use super::{BODY, Target, wire};
use crate::stopwatch;

/// A client with a connection to a service of its own, all on the calling thread.
pub struct Duplex {
    runtime: Rc<Runtime>,
    tasks: LocalSet,
    client: DuplexStream,
    head: Vec<u8>,
}

impl Duplex {
    /// Connects to a service.
    pub fn to<S, B>(runtime: Rc<Runtime>, service: S, target: Target) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + 'static,
    {
        let (tasks, (client, server)) = (LocalSet::new(), duplex(16 * 1024));
        let service = TowerToHyperService::new(service);
        tasks.spawn_local(http1::Builder::new().serve_connection(TokioIo::new(server), service));
        Self { runtime, tasks, client, head: wire::get(target.path()) }
    }

    /// Sends requests one after the other, and returns the processor time of all that they take.
    ///
    /// # Errors
    /// Fails when the server closes the connection.
    pub fn send(&mut self, requests: usize) -> Result<Duration> {
        let Self { runtime, tasks, client, head } = self;
        let mut sent = Ok(());
        let took = stopwatch::time_alone(|| {
            sent = tasks.block_on(runtime, send(client, head, requests));
        });
        sent.map(|()| took)
    }
}

async fn send(client: &mut DuplexStream, head: &[u8], requests: usize) -> Result<()> {
    let mut answer = [0; 1024];
    for _ in 0..requests {
        client.write_all(head).await.context("the server has gone")?;
        let mut read = 0;
        while !answer[..read].ends_with(BODY.as_bytes()) {
            let more = client.read(&mut answer[read..]).await.context("the server has gone")?;
            anyhow::ensure!(
                more > 0,
                "the server closed the connection, or its answer is too long"
            );
            read += more;
        }
    }
    Ok(())
}
