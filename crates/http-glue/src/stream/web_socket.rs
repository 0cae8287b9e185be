//! A stream over a WebSocket.
//!
//! The next message is taken from the session when the last one has been written. So a client that
//! reads slowly gets fewer and newer messages, and no queue grows for it.

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use node0_streaming::Close;
use node0_websocket::{End, Event, Rules, Socket, text_frame};

use super::endpoint::Reader;
use super::self_metrics::Ending;

/// The reason why a WebSocket ends.
enum Last {
    /// The client left, or the connection broke.
    End(End),
    /// The session or this module closes it.
    Close { code: u16, reason: &'static str, ending: Ending },
}

/// Waits for the upgrade, and serves the client until it leaves or is closed.
#[expect(clippy::manual_async_fn, reason = "the future of one has room for its parameters twice")]
pub(super) fn run(upgrade: OnUpgrade, mut reader: Reader) -> impl Future<Output = ()> + Send {
    async move {
        let Ok(upgraded) = upgrade.await else {
            // The client hung up before the response, or the server cannot upgrade.
            return reader.end(Ending::Client);
        };
        // What the server read beyond the handshake is part of `upgraded`.
        let mut socket = Socket::new(TokioIo::new(upgraded), Bytes::new(), &Rules::DEFAULT);
        match serve(&mut socket, &mut reader).await {
            Last::End(end) => {
                reader.end(Ending::of_end(&end));
                // Boxed, so that a stream has no room for its end until then.
                Box::pin(socket.finish(end)).await;
            }
            Last::Close { code, reason, ending } => {
                reader.end(ending);
                Box::pin(socket.close(code, reason)).await;
            }
        }
    }
}

#[expect(clippy::manual_async_fn, reason = "as above")]
fn serve<'a>(
    socket: &'a mut Socket<TokioIo<Upgraded>>,
    reader: &'a mut Reader,
) -> impl Future<Output = Last> + Send + use<'a> {
    async move {
        loop {
            let heard = tokio::select! {
                biased;
                event = socket.event() => match event {
                    Ok(Event::Text(text)) => reader.session.receive(text.as_str()),
                    Ok(Event::Binary(_)) => {
                        let reason = "binary messages are not understood";
                        return Last::Close { code: 1003, reason, ending: Ending::Binary };
                    }
                    Ok(Event::Sent) => {
                        reader.sent();
                        Ok(())
                    }
                    Ok(_) => reader.session.count_control(),
                    Err(end) => return Last::End(end),
                },
                message = reader.session.next(), if socket.is_free() => {
                    message.map(|message| socket.send_frame(message.framed(text_frame)))
                }
            };
            if let Err(close) = heard {
                return Last::of_close(close);
            }
        }
    }
}

impl Last {
    fn of_close(close: Close) -> Self {
        let Close { code, reason, .. } = close;
        Self::Close { code, reason, ending: Ending::of_close(close) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_output<A, B, F>(_: impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_a_stream_is_small() {
        // With tokio's part it is an allocation of 896 bytes, the largest of a connection; tokio
        // rounds up to whole pairs of cache lines.
        let size = size_of_output(run);
        assert!(size <= 792, "{size} bytes");
    }
}
