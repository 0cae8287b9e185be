//! The demo goes on when nobody reads its log any more.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;

use rustix::fs::OFlags;
use testbed::Deadline;
use testbed::http::Request;
use testbed::process::Signal;

use crate::demo::{Demo, prepared};

/// A demo whose stderr is a pipe that this test holds, and does not read.
struct Unread {
    demo: Demo,
    /// The end that reads, which can write too.
    pipe: File,
}

impl Unread {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("stderr");
        let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let pipe = options.open(&path).expect("the pipe opens");
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" 2> \"$STDERR\"", env!("CARGO_BIN_EXE_node0-demo")]);
        shell.env("STDERR", &path);
        let arguments = ["--database", "embedded", "--alert-for", "1s"];
        Self { demo: Demo::spawn(prepared(shell, &arguments)), pipe }
    }
}

/// Payments fail, which is a warning in the log, and an alert; then the demo is asked to stop.
fn goes_on_and_stops(demo: &mut Demo) {
    assert_eq!(demo.send(&Request::new("POST", "/chaos/failing-payments")).status, 200);
    let order =
        serde_json::json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 1 }] });
    let fires = || {
        let _ = demo.send(&Request::new("POST", "/orders").json(&order));
        demo.get("/alerts").text().contains("CircuitOpen")
    };
    assert!(
        Deadline::seconds(30).until(fires),
        "samples are judged: {}",
        demo.get("/alerts").text()
    );
    assert_eq!(demo.get("/health/live").status, 200);
    assert_eq!(demo.get("/health/ready").status, 200);
    demo.process.signal(Signal::TERM).expect("it runs");
    let status = demo.process.wait(Deadline::seconds(9)).expect("it ends by itself");
    assert!(status.success(), "{status}");
}

#[test]
fn a_log_whose_reader_is_gone_ends_nothing() {
    let Unread { mut demo, pipe } = Unread::start();
    drop(pipe);
    goes_on_and_stops(&mut demo);
}

#[test]
fn a_log_that_is_a_full_pipe_holds_nobody() {
    let Unread { mut demo, mut pipe } = Unread::start();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    while pipe.write(b".").is_ok() {}
    goes_on_and_stops(&mut demo);
    drop(pipe);
}
