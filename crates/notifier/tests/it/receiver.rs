//! A receiver that answers as a test says, and hands over what it got.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The longest time that a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// Answers with this status and an empty body.
    Status(u16),
    /// Answers with these bytes, and closes.
    Bytes(&'static str),
    /// Answers with these bytes, and neither says more nor closes.
    BytesThenHang(&'static str),
    /// Closes without an answer.
    Close,
    /// Never answers.
    Hang,
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Got {
    /// The first line, such as `POST /hook HTTP/1.1`.
    pub(crate) line: String,
    /// The header fields in lower case, as `name: value`.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Value,
}

/// Says how a request is answered.
type Script = Mutex<dyn FnMut(&Got) -> Answer + Send>;

/// A receiver on a free port; it answers 200 once its script is through.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    got: mpsc::Receiver<Got>,
}

impl Receiver {
    pub(crate) fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        let mut script: VecDeque<_> = script.into_iter().collect();
        Self::answering(move |_| script.pop_front().unwrap_or(Answer::Status(200)))
    }

    /// Answers each request as the closure says.
    pub(crate) fn answering(answer: impl FnMut(&Got) -> Answer + Send + 'static) -> Self {
        Self::over(Some, answer)
    }

    /// Answers over what `wrap` makes of each connection; it may refuse one.
    pub(crate) fn over<S: Read + Write>(
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Clone + 'static,
        answer: impl FnMut(&Got) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let answer: Arc<Script> = Arc::new(Mutex::new(answer));
        let (sender, got) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, answer, wrap) = (sender.clone(), answer.clone(), wrap.clone());
                thread::spawn(move || serve(wrap(stream)?, &sender, &answer));
            }
        });
        Self { address, got }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits for the next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Got {
        self.got.recv_timeout(PATIENCE).expect("a request comes")
    }

    /// Returns a request if there is one already.
    pub(crate) fn try_next(&self) -> Option<Got> {
        self.got.try_recv().ok()
    }
}

/// Serves one connection; it ends when the peer closes it or the script says so.
fn serve(stream: impl Read + Write, sender: &Sender<Got>, script: &Script) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let got = read(&mut reader)?;
        let answer = (script.lock().ok()?)(&got);
        sender.send(got).ok()?;
        let stream = reader.get_mut();
        match answer {
            Answer::Status(status) => {
                let head = format!(
                    "HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).ok()?;
            }
            Answer::Bytes(bytes) => return stream.write_all(bytes.as_bytes()).ok(),
            Answer::Close => return None,
            Answer::BytesThenHang(bytes) => {
                stream.write_all(bytes.as_bytes()).ok()?;
                return hang(stream);
            }
            Answer::Hang => return hang(stream),
        }
    }
}

/// Waits until the peer gives up.
fn hang(stream: &mut impl Read) -> Option<()> {
    std::io::copy(stream, &mut std::io::sink()).ok().map(drop)
}

fn read(reader: &mut BufReader<impl Read>) -> Option<Got> {
    let mut line = || {
        let mut line = String::new();
        let read = reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        match line()? {
            end if end.is_empty() => break,
            header => headers.push(header),
        }
    }
    let headers: Vec<_> = headers
        .into_iter()
        .filter_map(|header| {
            let (name, value) = header.split_once(':')?;
            Some(format!("{}: {}", name.to_lowercase(), value.trim()))
        })
        .collect();
    let length = headers.iter().find_map(|header| header.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Got { line: first, headers, body: serde_json::from_slice(&body).ok()? })
}
