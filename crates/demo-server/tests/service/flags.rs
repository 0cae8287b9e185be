//! Wrong flags and unusable environments: each gives one clear line and the right exit code.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::demo::{Demo, command};

fn run(mut command: Command) -> Output {
    command.output().expect("the demo starts")
}

/// Returns the exit code and the error line on stderr.
fn verdict(command: Command) -> (Option<i32>, String) {
    let output = run(command);
    assert!(output.stdout.is_empty(), "errors go to stderr");
    let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one error line: {stderr}");
    (output.status.code(), errors[0].to_owned())
}

#[test]
fn a_bad_flag_is_named_with_what_is_allowed() {
    for (flags, said) in [
        (["--load", "-1"], "--load"),
        (["--load", "1e999"], "--load"),
        (["--load", ""], "--load"),
        (["--naming", "pretty"], "classic"),
        (["--database", "mysql://x"], "postgres://"),
        (["--drain", "soon"], "--drain"),
        (["--alert-for", "8d"], "at most 7d"),
        (["--alert-for", "-1s"], "'--alert-for <TIME>': no time is less than zero: write 2s"),
        (["--history-keep", "30s"], "at least 1m"),
        (["--history-keep", "2d"], "at most 24h"),
        (["--drain", "-1s"], "'--drain <TIME>': no time is less than zero: write 2s"),
        (["--listen", "nowhere"], "--listen"),
        (["--chaos", "maybe"], "off"),
        (["--native-histograms", "maybe"], "off"),
        (["--traceparent", "yes"], "off"),
        (["--stream-max-clients", "0"], "--stream-max-clients"),
        (["--stream-max-clients-per-ip", "many"], "--stream-max-clients-per-ip"),
        (["--no-such-flag", "1"], "--no-such-flag"),
    ] {
        let (code, error) = verdict(command(&flags));
        assert_eq!(code, Some(2), "{flags:?}: {error}");
        assert!(error.contains(said), "{flags:?}: {error}");
    }
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let mut taken = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    taken.args(["--listen", &address, "--load", "0", "--database", "embedded"]);
    let (code, error) = verdict(taken);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[test]
fn a_wrong_database_is_one_clear_line() {
    for url in ["postgres://127.0.0.1:1/none", "postgres://not a url"] {
        let mut by_variable = command(&[]);
        by_variable.env("DATABASE_URL", url);
        let (code, error) = verdict(by_variable);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("DATABASE_URL"), "{error}");
        let (code, error) = verdict(command(&["--database", url]));
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("--database"), "{error}");
    }
}

#[test]
fn no_error_shows_a_password() {
    for (flag, value, said) in [
        ("--redis", "rediss://:s3cret@127.0.0.1:1", "redis://host:port"),
        ("--redis", "redis://:s3cret@127.0.0.1:1", "--redis"),
        ("--database", "mysql://u:s3cret@127.0.0.1/d", "postgres://"),
        ("--database", "postgres://u:p@s3cret@127.0.0.1:1/d", "%40"),
        ("--database", "postgres://u:s3cret@127.0.0.1:1/d", "--database"),
        ("--webhook", "ftp://u:s3cret@127.0.0.1/", "http"),
        ("--alertmanager", "http://u:s3cret@[", "http://host:port"),
    ] {
        let variable = format!("NODE0_{}", flag[2..].to_uppercase());
        let mut by_variable = command(&[]);
        by_variable.env(variable, value);
        for wrong in [command(&[flag, value]), by_variable] {
            let output = run(wrong);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_ne!(output.status.code(), Some(0), "{flag}: {stderr}");
            assert!(stderr.contains(said) && !stderr.contains("s3cret"), "{flag}: {stderr}");
        }
    }
}

#[test]
fn a_temporary_folder_that_is_a_file_is_one_clear_line() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for database in ["embedded", "auto"] {
        let mut nowhere = command(&["--database", database]);
        nowhere.env("TMPDIR", file.path());
        let (code, error) = verdict(nowhere);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("TMPDIR"), "{error}");
    }
}

#[test]
fn a_flag_comes_before_its_variable() {
    let mut both = command(&["--database", "embedded", "--naming", "standard"]);
    both.env("NODE0_NAMING", "classic");
    assert!(
        Demo::spawn(both).get("/metrics").text().contains("http_server_request_duration_seconds")
    );
    let mut variable = command(&["--database", "embedded"]);
    variable.env("NODE0_NAMING", "classic");
    assert!(
        !Demo::spawn(variable)
            .get("/metrics")
            .text()
            .contains("http_server_request_duration_seconds")
    );
}

#[test]
fn the_help_explains_every_flag_with_its_variable() {
    let mut help = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    help.arg("--help");
    let output = run(help);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("the help is UTF-8");
    for flag in [
        "listen",
        "load",
        "database",
        "naming",
        "drain",
        "chaos",
        "alert-for",
        "rules",
        "alertmanager",
        "webhook",
    ] {
        assert!(text.contains(&format!("--{flag} ")), "{flag} is missing: {text}");
        let variable = format!("NODE0_{}", flag.to_uppercase().replace('-', "_"));
        assert!(text.contains(&variable), "{flag} has no variable");
    }
}
