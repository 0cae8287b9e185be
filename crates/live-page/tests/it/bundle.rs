//! The served script and style are made of the sources in `ui`.
//!
//! esbuild joins the modules and terser shortens names, so that a browser loads one small file;
//! zopfli compresses it. They are no part of a build: their output is committed, and this test makes
//! it again and compares. With the variable `NODE0_GENERATE` it writes the files instead.

use std::path::Path;

use testbed::tools;

#[test]
fn what_is_served_is_made_of_the_sources() {
    let npm = testbed::require!(tools::npm());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let joined = folder.path().join("joined.js").to_string_lossy().into_owned();
    let run = |script: &str, arguments: &[&str]| {
        let mut command = npm.command(script);
        let output = command.current_dir(root.join("ui")).args(arguments).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let bundler = "esbuild/bin/esbuild";
    run(
        bundler,
        &["app.js", "--bundle", "--format=esm", "--charset=utf8", &format!("--outfile={joined}")],
    );
    let short = ["--module", "--ecma", "2022", "--compress", "passes=3,pure_getters", "--mangle"];
    let script = run("terser/bin/terser", &[&[joined.as_str()], &short[..]].concat());
    let style = run(bundler, &["style.css", "--minify", "--charset=utf8"]);
    let icon = std::fs::read(root.join("ui/icon.svg")).expect("the icon");
    for (name, body) in [("app.js", script), ("icon.svg", icon), ("style.css", style)] {
        compare(&root.join("served").join(format!("{name}.gz")), &compressed(&body));
        compare(&root.join("served").join(name), &body);
    }
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut gzip = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, body, &mut gzip)
        .expect("a vector takes everything");
    gzip
}

fn compare(path: &Path, made: &[u8]) {
    if std::env::var_os("NODE0_GENERATE").is_some() {
        std::fs::write(path, made).expect("the folder can be written");
    }
    let served = std::fs::read(path).unwrap_or_default();
    let remedy = "`cargo xtask generate` makes it again";
    assert!(served == made, "{} is not made of the sources: {remedy}", path.display());
}
