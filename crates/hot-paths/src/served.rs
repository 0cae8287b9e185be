//! Requests to a watched router over a pipe within the process, through the server of http-glue.
//!
//! Here a request also pays for the server, and for what the layer makes of the response on its way
//! through hyper. The server's timers depend on the real time, so that counts differ by some
//! instructions from run to run.

use std::future::pending;
use std::io;

use http_glue::{Listener, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::Builder;

use crate::repeat::repeat_batch;
use crate::request::{PARAMETER, STATIC, watched};
use crate::{Outcome, Path};

pub(crate) const PATHS: &[Path] =
    &[("static", |times| send(STATIC, times)), ("parameter", |times| send(PARAMETER, times))];

fn send(path: &str, times: u64) -> Outcome {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n");
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let (mut client, server) = duplex(16 * 1024);
    runtime.spawn(serve(Pipe(Some(server)), watched()?).run());
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
