//! The unpacked Redis answers, is killed, and is empty after a restart.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use testbed::redis::RedisServer;
use testbed::tools;

/// Sends one command and returns the first line of the answer.
fn ask(server: &RedisServer, command: &str) -> std::io::Result<String> {
    let url = server.url();
    let mut stream = UnixStream::connect(url.trim_start_matches("unix://"))?;
    writeln!(stream, "{command}\r")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

#[test]
fn unpacked_server_comes_back_empty_after_it_was_killed() {
    let tool = testbed::require!(tools::unpacked_redis());
    let mut server = RedisServer::start(&tool).expect("redis starts");
    assert_eq!(ask(&server, "SET key value").expect("it listens"), "+OK");
    assert_eq!(ask(&server, "DBSIZE").expect("it listens"), ":1");
    server.kill().expect("it runs");
    assert!(ask(&server, "PING").is_err());
    server.restart().expect("redis starts again");
    assert_eq!(ask(&server, "DBSIZE").expect("it listens"), ":0");
}
