//! The two ends of the way of an alert: a proxy that can refuse scrapes, and a pager.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::{io, thread};

use serde_json::Value;

/// A proxy that passes requests on, or answers 503.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    is_failing: Arc<AtomicBool>,
}

/// A receiver of Alertmanager's notifications.
pub(crate) struct Pager {
    address: SocketAddr,
    incoming: Receiver<(String, String)>,
    news: Vec<(String, String)>,
}

impl Proxy {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let is_failing = Arc::new(AtomicBool::new(false));
        let fails = is_failing.clone();
        let address = serve(move |stream| {
            let (mut head, _) = request(&stream)?;
            if fails.load(Ordering::Relaxed) {
                let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                return (&stream).write_all(answer.as_bytes());
            }
            // One request for each connection, so that none outlives a change.
            head.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
            let mut server = TcpStream::connect(to)?;
            server.write_all(
                format!("{}\r\nConnection: close\r\n\r\n", head.join("\r\n")).as_bytes(),
            )?;
            io::copy(&mut server, &mut &stream).map(drop)
        });
        Self { address, is_failing }
    }

    /// Answers 503 from now on, or passes on again.
    pub(crate) fn fail(&self, fails: bool) {
        self.is_failing.store(fails, Ordering::Relaxed);
    }
}

impl Pager {
    pub(crate) fn new() -> Self {
        let (sender, incoming) = mpsc::channel();
        let address = serve(move |stream| {
            let (_, body) = request(&stream)?;
            deliver(&body, &sender);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            (&stream).write_all(answer.as_bytes())
        });
        Self { address, incoming, news: Vec::new() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns all news: the name of an alert, and `firing` or `resolved`.
    pub(crate) fn news(&mut self) -> &[(String, String)] {
        self.news.extend(self.incoming.try_iter());
        &self.news
    }

    /// Returns the newest status of an alert.
    pub(crate) fn last(&mut self, alert: &str) -> Option<&str> {
        let of_alert = self.news().iter().rev().find(|(name, _)| name == alert);
        of_alert.map(|(_, status)| status.as_str())
    }
}

fn deliver(body: &[u8], to: &Sender<(String, String)>) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    for alert in body["alerts"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // The test may have ended.
        let _ = to.send((text(&alert["labels"]["alertname"]), text(&alert["status"])));
    }
}

/// Serves each connection on a thread of its own, until the process ends.
fn serve(each: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let each = each.clone();
            // A connection that breaks is the client's to notice.
            thread::spawn(move || drop(each(stream)));
        }
    });
    address
}

/// Reads one request: the lines of its head, and its body.
fn request(stream: &TcpStream) -> io::Result<(Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}
