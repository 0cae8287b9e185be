//! Prints the generated files, or what is wrong with them; run by `cargo xtask`.
//!
//! `node0-mixin documents` prints a JSON object from path to text, `node0-mixin findings` a line
//! for each finding; it reads the list of metrics, in the form of docs/metrics.md, from stdin. Both
//! work on the workspace in the current folder.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut words = format!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                words.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Nobody is left to be told if stderr is closed.
            let _ = writeln!(io::stderr(), "{words}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &str) -> Result<(), Box<dyn Error>> {
    let root = Path::new(".");
    let mut out = io::stdout().lock();
    match command {
        "documents" => {
            let documents = mixin::documents(root)?.into_iter();
            let by_path: BTreeMap<_, _> = documents.map(|it| (it.path, it.text)).collect();
            writeln!(out, "{}", serde_json::to_string(&by_path)?)?;
        }
        "findings" => {
            let mut page = String::new();
            io::stdin().read_to_string(&mut page)?;
            for finding in mixin::findings(root, &page)? {
                writeln!(out, "{finding}")?;
            }
        }
        other => return Err(format!("unknown command `{other}`: `documents` or `findings`").into()),
    }
    Ok(())
}
