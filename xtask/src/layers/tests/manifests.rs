//! Each test breaks a rule for manifests, and expects the finding that names it.

use super::fixture::{Fixture, PLAIN, TABLE, edge, outside, table_with};
use crate::layers::role::Role;
use crate::layers::row::{Outside, Row};
use crate::verdict::Findings;

/// The words of the finding for a monitor that names `tokio`.
const TOKIO: [&str; 2] = ["`cache-monitor` → `tokio`", "not an outside crate that it may name"];

/// Returns the table with permission for it.
fn table_allowing_tokio() -> Vec<Row> {
    let outside = Outside::Only(&["tokio"]);
    table_with(Row { role: Role::Monitor, name: "cache-monitor", outside, ..PLAIN })
}

#[test]
fn outside_crate_that_is_not_listed_is_found() {
    for optional in ["", "\noptional = true"] {
        let lines = format!("{}{optional}", outside("tokio"));
        Fixture::new().with("cache-monitor", &lines).check_finding(&[
            "`cache-monitor` → `tokio`",
            "not an outside crate that it may name",
            "list it in LAYERS",
        ]);
    }
}

#[test]
fn unused_allowance_is_found() {
    let more = Outside::Only(&["serde"]);
    let table =
        table_with(Row { role: Role::Monitor, name: "cache-monitor", outside: more, ..PLAIN });
    let words = ["`cache-monitor` → `serde`", "unused allowance", "take `serde` out of its row"];
    Fixture::new().check_finding_of(&table, &words);
    let for_tests = outside("serde").replace("dependencies", "dev-dependencies");
    Fixture::new().with("cache-monitor", &for_tests).check_finding_of(&table, &words);
}

#[test]
fn package_with_another_name_is_found() {
    let fixture = Fixture::new();
    fixture.package("ours/crates/testbed", "testbed");
    fixture.check_finding(&["`testbed`", "call it `node0-testbed`"]);
}

#[test]
fn dependency_that_no_code_names_is_found() {
    let words = ["`cache-monitor` → `tokio`", "no code of `cache-monitor` outside tests", "take"];
    let fixture = Fixture::new().with_unused("cache-monitor", &outside("tokio"));
    fixture.check_finding_of(&table_allowing_tokio(), &words);
    let in_tests = "/// tokio::spawn\nfn x() {}\n#[cfg(test)]\nmod tests { use tokio::spawn; }\n";
    fixture.write("ours/crates/cache-monitor/src/lib.rs", in_tests);
    fixture.write("ours/crates/cache-monitor/tests/it.rs", "use tokio::spawn;\n");
    fixture.check_finding_of(&table_allowing_tokio(), &words);
    for code in ["#[derive(tokio::X)]\nstruct A;\n", "fn x() { y!(tokio::z()) }\n"] {
        fixture.write("ours/crates/cache-monitor/src/lib.rs", code);
        assert_eq!(fixture.findings(&table_allowing_tokio()), Findings::new(), "{code}");
    }
}

#[test]
fn renamed_dependency_is_known_by_its_package_and_named_by_its_new_name() {
    let renamed = "[dependencies.alias]\npackage = \"tokio\"\npath = \"../../../outside/tokio\"";
    let fixture = Fixture::new().with("cache-monitor", renamed);
    fixture.check_finding(&TOKIO);
    assert_eq!(fixture.findings(&table_allowing_tokio()), Findings::new());
}

#[test]
fn dependency_of_one_target_is_checked() {
    for target in ["cfg(windows)", "cfg(loom)", "cfg(all(loom, unix))"] {
        let lines = outside("tokio").replace("[", &format!("[target.'{target}'."));
        Fixture::new().with("cache-monitor", &lines).check_finding(&TOKIO);
        let lines = edge("dependencies", "pool-monitor");
        let lines = lines.replace("[", &format!("[target.'{target}'."));
        let fixture = Fixture::new().with("cache-monitor", &lines);
        fixture.check_finding(&["`cache-monitor` (monitor) → `pool-monitor` (monitor)"]);
    }
}

#[test]
fn only_loom_is_left_out_and_only_for_models() {
    let models = outside("loom").replace("[", "[target.'cfg(loom)'.");
    let fixture = Fixture::new().with_unused("cache-monitor", &models);
    assert_eq!(fixture.findings(TABLE), Findings::new());
    let fixture = Fixture::new().with("cache-monitor", &outside("loom"));
    fixture.check_finding(&["`cache-monitor` → `loom`", "not an outside crate"]);
}

#[test]
fn optional_edge_is_checked() {
    let lines = format!("{}\noptional = true", edge("dependencies", "pool-monitor"));
    let fixture = Fixture::new().with("cache-monitor", &lines);
    fixture.check_finding(&["`cache-monitor` (monitor) → `pool-monitor` (monitor)", "siblings"]);
}

#[test]
fn crate_in_another_place_is_found() {
    let fixture = Fixture::new();
    let members =
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"tools/x\", \"xtask\"]\n";
    fixture.write("ours/Cargo.toml", members);
    fixture.package("ours/tools/x", "node0-x");
    let table = table_with(Row { name: "x", ..PLAIN });
    fixture.check_finding_of(&table, &["`x` lies in `tools/x`", "move it to `crates/x`"]);
}

#[test]
fn code_outside_src_is_found() {
    for (target, path) in [("lib", "lib.rs"), ("lib", "tests/lib.rs"), ("[bin]", "bin.rs")] {
        let lines = format!("[{target}]\nname = \"x\"\npath = \"{path}\"");
        let fixture = Fixture::new().with_unused("exporter", &lines);
        fixture.write(&format!("ours/crates/exporter/{path}"), "fn main() {}\n");
        fixture.check_finding(&[&format!("`crates/exporter/{path}` lies outside `src`"), "move"]);
    }
    let fixture = Fixture::new();
    fixture.write("ours/crates/exporter/build.rs", "fn main() {}\n");
    assert_eq!(fixture.findings(TABLE), Findings::new());
}
