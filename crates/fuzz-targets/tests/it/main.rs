//! The corpus of each target, replayed.

use std::fs;
use std::path::Path;

use fuzz_targets::TARGETS;

#[test]
fn nothing_in_the_corpus_breaks_a_promise() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut count = 0;
        for file in files.flatten() {
            target(&fs::read(file.path()).expect("a file"));
            count += 1;
        }
        assert!(count >= 10, "the corpus of {name} has {count} files");
    }
}
