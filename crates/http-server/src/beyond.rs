//! The connections beyond the limit: probes are answered, all others get a 503.
//!
//! A full server is busy and not broken, and its probes say so: without an answer, Kubernetes would
//! end it. So the first line of a request is read here, before the request gets a connection of
//! the service. A probe is then answered like any other request, and the connection is closed.

use std::io::{self, Cursor};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Chain, Join, ReadHalf, WriteHalf,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::places::Place;
use crate::shares::{Peer, Share, Shares};

/// The maximum number of clients whose first line is read, or that are refused, at the same time;
/// further ones are disconnected without an answer.
const MAX_REFUSALS: usize = 64;

/// The maximum number of probes that are answered at the same time: these places are theirs alone.
const MAX_PROBES: usize = 32;

/// The most of these connections that one client may have.
const MAX_PER_PEER: usize = 16;

/// The time in which a client must send its request, and in which it must read the 503.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest first line that is read: no path of a probe is longer.
const MAX_LINE: usize = 1024;

/// The answer to every refused connection; the request is not parsed.
const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\n\
    cache-control: no-store\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 95\r\n\
    \r\n\
    {\"error\":{\"code\":\"overloaded\",\"message\":\"the server holds its maximum of connections: retry\"}}\n";

/// The answer to a client of HTTP/2: no settings, and that the connection ends, because of its load,
/// before a request was looked at.
const ANSWER_HTTP2: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b";

/// The paths that are answered even if there is no place.
pub(crate) type Probes = Arc<[String]>;

/// A connection of which the beginning has been read.
pub(crate) type Begun<T> = Join<Chain<Cursor<Vec<u8>>, ReadHalf<T>>, WriteHalf<T>>;

/// The few places for connections beyond the limit.
#[derive(Debug)]
pub(crate) struct BeyondPlaces {
    refusals: Arc<Semaphore>,
    probes: Arc<Semaphore>,
    shares: Shares,
}

/// A place of a connection beyond the limit, which may get one of a probe.
#[derive(Debug)]
pub(crate) struct BeyondPlace {
    place: OwnedSemaphorePermit,
    share: Share,
    probes: Arc<Semaphore>,
}

impl BeyondPlaces {
    pub(crate) fn new() -> Self {
        let of = |most| Arc::new(Semaphore::new(most));
        let (refusals, probes) = (of(MAX_REFUSALS), of(MAX_PROBES));
        Self { refusals, probes, shares: Shares::new(MAX_PER_PEER) }
    }

    /// Takes one of these places, if any is free and the client does not have its share.
    pub(crate) fn take(&mut self, peer: Option<Peer>) -> Option<BeyondPlace> {
        let share = match peer.map(|peer| self.shares.of(peer)) {
            Some(share) => Some(share.try_acquire_owned().ok()?),
            None => None,
        };
        let place = self.refusals.clone().try_acquire_owned().ok()?;
        Some(BeyondPlace { place, share, probes: self.probes.clone() })
    }
}

/// Reads the first line of a request; returns the connection and its place if it is for a probe, else
/// refuses it.
pub(crate) async fn admit<T>(
    mut io: T,
    probes: &[String],
    beyond: BeyondPlace,
) -> Option<(Begun<T>, Place)>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let BeyondPlace { place, share, probes: of_probes } = beyond;
    let mut head = Vec::new();
    if !probes.is_empty() {
        // What has arrived by then has to do.
        let _ = timeout(PATIENCE, read_line(&mut io, &mut head)).await;
    }
    if is_for(&head, probes)
        && let Ok(of_probe) = of_probes.try_acquire_owned()
    {
        drop(place);
        let (read, write) = tokio::io::split(io);
        let begun = tokio::io::join(Cursor::new(head).chain(read), write);
        return Some((begun, Place::new(of_probe, share)));
    }
    let answer = if head.starts_with(b"PRI * HTTP/2.0\r\n") { ANSWER_HTTP2 } else { ANSWER };
    // A client that does not read its answer in time is disconnected.
    let _ = timeout(PATIENCE, refuse(io, answer)).await;
    None
}

async fn read_line<T: AsyncRead + Unpin>(io: &mut T, head: &mut Vec<u8>) -> io::Result<()> {
    while !head.contains(&b'\n') && head.len() < MAX_LINE {
        if io.read_buf(head).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Returns `true` if a request begins with a GET of one of these paths.
fn is_for(head: &[u8], probes: &[String]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let is_whole = words.next().is_some();
    is_whole
        && matches!(method, b"GET" | b"HEAD")
        && probes.iter().any(|probe| probe.as_bytes() == path)
}

async fn refuse<T>(mut io: T, answer: &[u8]) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(answer).await?;
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

    #[test]
    fn only_whole_requests_for_probes_are_admitted() {
        let probes = ["/health/ready".to_owned()];
        for (head, admitted) in [
            ("GET /health/ready HTTP/1.1\r\nhost: a\r\n", true),
            ("HEAD /health/ready?verbose HTTP/1.1\r\n", true),
            ("GET /health/ready", false),
            ("GET /health/ready/x HTTP/1.1\r\n", false),
            ("POST /health/ready HTTP/1.1\r\n", false),
            ("GET /orders HTTP/1.1\r\nx: GET /health/ready HTTP/1.1\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_for(head.as_bytes(), &probes), admitted, "{head}");
        }
    }
}
