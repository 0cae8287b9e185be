//! Prints a line for each message of a stream, until Ctrl-C.

use std::time::Duration;

use stream_client::{Client, Message, News};

const URL: &str = "ws://127.0.0.1:3000/metrics/stream?metrics=performance,cache";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| URL.to_owned());
    let client = Client::new(url).topic("circuit-breaker", Duration::from_millis(500));
    tokio::select! {
        () = client.follow(|news| println!("{}", shown(&news))) => Ok(()),
        stopped = tokio::signal::ctrl_c() => stopped,
    }
}

fn shown(news: &News) -> String {
    match news {
        News::Message(message) => line(message),
        News::Broken { reason, retry } => {
            format!("no stream: {reason}; next attempt in {:.1} s", retry.as_secs_f64())
        }
    }
}

fn line(Message { kind, seq, data, missed, .. }: &Message) -> String {
    let seq = seq.map_or("-".to_owned(), |seq| seq.to_string());
    let late = if *missed > 0 { format!(", {missed} updates missed") } else { String::new() };
    match (kind.as_str(), data.as_object()) {
        ("snapshot" | "update", Some(topics)) => {
            let names: Vec<&str> = topics.keys().map(String::as_str).collect();
            format!("{seq:>8} {kind}: {}{late}", names.join(", "))
        }
        _ => format!("{seq:>8} {kind}: {data}"),
    }
}
