//! A full disk, and other systems that have nothing left to give.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::http::Request;
use testbed::tools::ToolError;

use crate::demo::{Demo, command, prepared};

/// A file system in memory, which is unmounted when it is dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts one of some megabytes, which takes root.
    fn mount() -> Result<Self, ToolError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m,mode=1777", "none"]).arg(folder.path());
        let mounted = mount.stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Ok(Self { folder });
        }
        let tool = "a disk that becomes full".to_owned();
        Err(ToolError::NoHelper { tool, helper: "mount, as root", install: "mount" })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it with a file, and returns its path.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).expect("there is room for a name");
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Places an order of many items, and returns the status.
fn order(demo: &Demo) -> u16 {
    let items: Vec<_> =
        (0..100).map(|n| json!({ "sku": format!("tea-{n:0>180}"), "quantity": 1 })).collect();
    let order = json!({ "customer": "ann", "items": items });
    demo.send(&Request::new("POST", "/orders").json(&order)).status
}

/// The numbers of the cache's second tier.
fn second_tier(demo: &Demo) -> Value {
    demo.json("/metrics/cache")["L2"]["metrics"].clone()
}

#[test]
fn a_full_disk_is_a_finding_and_a_line_and_is_over_when_there_is_room() {
    let disk = testbed::require!(SmallDisk::mount());
    let mut command = command(&["--database", "embedded", "--redis", "embedded"]);
    command.env("TMPDIR", disk.path());
    let mut demo = Demo::spawn(command);
    assert_eq!(order(&demo), 201);
    let filler = disk.fill();

    let is_found = |demo: &Demo| {
        for _ in 0..10 {
            order(demo);
        }
        let health = demo.json("/health/performance?detailed=true").to_string();
        health.contains("failing")
    };
    assert!(Deadline::seconds(60).until(|| is_found(&demo)), "{}", second_tier(&demo));
    assert!((500..=503).contains(&order(&demo)));
    let line = "an order failed at the database";
    demo.process.wait_for_line(line, Deadline::seconds(5)).expect("it says so");
    let lines = demo.process.stderr().matches(line).count();
    assert!(lines < 10, "{lines} lines");

    fs::remove_file(filler).expect("it is there");
    assert!(Deadline::seconds(20).until(|| order(&demo) == 201), "{}", demo.process.stderr());
    let id = demo.order();
    assert_eq!(demo.get(&format!("/orders/{id}")).status, 200);
    let before = second_tier(&demo);
    let is_used = || {
        demo.order();
        let now = second_tier(&demo);
        now["sets"].as_u64() > before["sets"].as_u64() && now["entries"].as_u64() > Some(0)
    };
    assert!(Deadline::seconds(20).until(is_used), "{before}: {}", second_tier(&demo));
}

#[test]
fn where_no_thread_can_be_started_there_is_one_clear_line() {
    let folder = tempfile::tempdir_in("/tmp").expect("a temporary folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("it is ours");
    let program = folder.path().join("node0-demo");
    fs::copy(env!("CARGO_BIN_EXE_node0-demo"), &program).expect("there is room for a copy");
    let mut limited = Command::new("prlimit");
    limited.args(["--nproc=1", "--"]);
    if rustix::process::geteuid().is_root() {
        // The limit does not hold for root.
        limited.args(["setpriv", "--reuid=4000001", "--regid=4000001", "--clear-groups"]);
    }
    limited.arg(&program);
    let output = prepared(limited, &["--database", "embedded"]).output().expect("prlimit runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: no threads can be started: raise"), "{stderr}");
}
