//! The types that the comments of the sources give, and the editor shows.

use std::path::Path;

use testbed::tools;

#[test]
fn types_in_comments_hold() {
    let npm = testbed::require!(tools::npm());
    let mut command = npm.command("typescript/bin/tsc");
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("ui"));
    command.args([
        "--noEmit",
        "--allowJs",
        "--checkJs",
        "--noUnusedLocals",
        "--noUnusedParameters",
    ]);
    command.args(["--noImplicitReturns", "--target", "es2023", "--module", "esnext"]);
    command.args(["--lib", "es2023,dom,dom.iterable", "app.js"]);
    let output = command.output().expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
