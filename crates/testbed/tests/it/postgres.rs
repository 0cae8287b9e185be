//! The server programs of Postgres create and run a cluster, for root and for other users.

use node0_local_postgres::LocalPostgres;
use testbed::tools::{self, PostgresTool};

fn check_runs(tool: &PostgresTool) {
    let folder = tool.bin_dir().to_owned();
    let server = LocalPostgres::builder().bin_dirs([folder]).start().expect("a server");
    assert!(server.pid().is_some());
}

#[test]
fn found_programs_run_a_server() {
    check_runs(&testbed::require!(tools::postgres()));
}

#[test]
fn unpacked_programs_run_a_server() {
    check_runs(&testbed::require!(tools::unpacked_postgres()));
}
