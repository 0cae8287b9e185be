//! Clients of the stream: one over tokio-tungstenite, and one that writes bytes.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::service::{SOON, Service};

/// A reader of the stream.
pub(crate) struct Reader {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Reader {
    pub(crate) async fn over(stream: TcpStream, query: &str) -> Self {
        let address = stream.peer_addr().expect("it is connected");
        let url = format!("ws://{address}/metrics/stream{query}");
        let (socket, _) = client_async(url, stream).await.expect("a handshake");
        Self { socket }
    }

    /// Returns the next message of the stream; skips pings.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match timeout(SOON, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => {
                    return Some(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// Returns the next message of this type, and skips others.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message["type"] == kind {
                return message;
            }
        }
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("it is sent");
    }

    pub(crate) async fn subscribe(&mut self, metrics: &[&str], interval: u32) {
        let message = json!({ "type": "subscribe", "metrics": metrics, "interval": interval });
        self.send(message).await;
    }

    /// Reads until the server closes, and returns the code and the reason.
    pub(crate) async fn closed(mut self) -> (u16, String) {
        let mut close = None;
        let read = async {
            while let Some(message) = self.socket.next().await {
                match message {
                    Ok(Message::Close(frame)) => close = frame,
                    Ok(_) => {}
                    Err(error) => panic!("an unclean end: {error}"),
                }
            }
        };
        timeout(SOON, read).await.expect("the end in time");
        let frame = close.expect("a close frame");
        (frame.code.into(), frame.reason.as_str().to_owned())
    }
}

/// A connection after the handshake of a WebSocket, over which a test sends bytes.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
}

/// A handshake that is in order.
pub(crate) const UPGRADE: [&str; 4] = [
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

impl Raw {
    pub(crate) async fn open(service: &Service) -> Self {
        Self::over(service.connect().await).await
    }

    pub(crate) async fn over(mut stream: TcpStream) -> Self {
        let lines = UPGRADE.join("\r\n");
        let request = format!("GET /metrics/stream HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is read");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// Sends a masked frame: the first byte as given.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&frame(first, payload)).await
    }

    /// Reads frames until the server hangs up, and returns the code of its close frame.
    pub(crate) async fn close_code(mut self) -> Option<u16> {
        let mut code = None;
        let read = async {
            while let Ok(head) = self.stream.read_u16().await {
                let length = match head & 0x7F {
                    126 => u64::from(self.stream.read_u16().await?),
                    127 => self.stream.read_u64().await?,
                    short => u64::from(short),
                };
                let mut payload = vec![0; usize::try_from(length).expect("it fits")];
                self.stream.read_exact(&mut payload).await?;
                if head >> 8 == 0x88 {
                    code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                }
            }
            std::io::Result::Ok(())
        };
        let _ = timeout(SOON, read).await.expect("the end in time");
        code
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ ..126) => bytes.push(0x80 | short as u8),
        Ok(medium) => {
            bytes.push(0x80 | 126);
            bytes.extend(medium.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
