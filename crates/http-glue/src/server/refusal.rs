//! The 503 for connections beyond the limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The maximum number of clients that get a 503 at the same time; further ones are disconnected
/// without an answer.
const MAX_REFUSALS: usize = 64;

/// The time in which a client must read the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The answer to every refused connection; the request is not parsed.
const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\n\
    cache-control: no-store\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 95\r\n\
    \r\n\
    {\"error\":{\"code\":\"overloaded\",\"message\":\"the server holds its maximum of connections: retry\"}}\n";

/// Answers the connections beyond the limit.
#[derive(Debug)]
pub(super) struct Refusals {
    places: Arc<Semaphore>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_REFUSALS)) }
    }

    /// Refuses a connection in the background.
    pub(super) fn refuse<T>(&self, io: T)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            // A client that does not read its answer in time is disconnected.
            let _ = timeout(PATIENCE, answer(io)).await;
            drop(place);
        });
    }
}

async fn answer<T: AsyncRead + AsyncWrite + Unpin>(mut io: T) -> std::io::Result<()> {
    io.write_all(ANSWER).await?;
    io.shutdown().await?;
    // Closing a socket with unread bytes resets the connection, and the client may lose the
    // answer. So the request is read to its end first.
    let mut unread = [0; 1024];
    while io.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(ANSWER).expect("it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("it has a head");
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        serde_json::from_str::<serde_json::Value>(body).expect("it is JSON");
    }
}
