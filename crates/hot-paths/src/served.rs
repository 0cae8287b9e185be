//! Requests over a pipe within the process, to the server of http-glue: recorded by it, and not.
//!
//! Here a request also pays for hyper and the server. The server's timers depend on the real time,
//! and hyper's buffers on where the memory lies, so that counts differ by up to 90 instructions from
//! one build to the next. That is little of a request, but much of a difference of two. So these
//! paths are not named as pairs, whose difference would be a path too.

use std::future::pending;
use std::io;

use axum::Router;
use node0_http_glue::{Listener, Serve, serve};
use node0_metrics_core::RegisterError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::Builder;

use crate::repeat::repeat_batch;
use crate::request::{PARAMETER, STATIC, requests, router};
use crate::{Outcome, Path, registry};

pub(crate) const PATHS: &[Path] = &[
    ("unrecorded-static", |times| send(alone, STATIC, times)),
    ("unrecorded-parameter", |times| send(alone, PARAMETER, times)),
    ("recorded-static", |times| send(watched, STATIC, times)),
    ("recorded-parameter", |times| send(watched, PARAMETER, times)),
];

type Server = Serve<Pipe, Router>;

fn alone(pipe: Pipe) -> Result<Server, RegisterError> {
    // With the clock of a registry, as the other one has it.
    serve(pipe, router()).metrics(&registry())
}

fn watched(pipe: Pipe) -> Result<Server, RegisterError> {
    let registry = registry();
    Ok(serve(pipe, router()).metrics(&registry)?.record(&requests(&registry)?))
}

fn send(serve: fn(Pipe) -> Result<Server, RegisterError>, path: &str, times: u64) -> Outcome {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n");
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let (mut client, server) = duplex(16 * 1024);
    runtime.spawn(serve(Pipe(Some(server)))?.run());
    let mut answer = [0; 1024];
    repeat_batch(times, &mut |times| {
        runtime.block_on(async {
            for _ in 0..times {
                client.write_all(head.as_bytes()).await?;
                // The answer is smaller than the pipe, so that it comes in one piece.
                let length = client.read(&mut answer).await?;
                if !answer[..length].starts_with(b"HTTP/1.1 200 OK\r\n") {
                    return Err("another answer than expected".into());
                }
            }
            Ok(())
        })
    })
}

/// A listener with one connection.
struct Pipe(Option<DuplexStream>);

impl Listener for Pipe {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.take() {
            Some(end) => Ok(end),
            None => pending().await,
        }
    }
}
