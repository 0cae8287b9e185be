//! The verdict of schemathesis on the OpenAPI description: do the endpoints do what it says?

use testbed::tools;

use crate::demo::Demo;

/// `/metrics/history` refuses some requests of the right form, such as one that begins after its end:
/// how parameters depend on each other is nothing that a description can say. `/metrics/stream` refuses
/// topics that there are not at the time, and requests without the headers of a stream.
const SETTINGS: &str = r#"
[[operations]]
include-path = "/metrics/history"
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path = "/metrics/stream"
checks.positive_data_acceptance.enabled = false
"#;

#[test]
fn every_answer_is_one_that_the_description_has() {
    let schemathesis = testbed::require!(tools::schemathesis());
    let demo = Demo::start(&[]);
    let folder = tempfile::tempdir().expect("a folder for the settings");
    let settings = folder.path().join("schemathesis.toml");
    std::fs::write(&settings, SETTINGS).expect("the settings are written");
    let mut command = schemathesis.command();
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&settings);
    command.args(["run", &format!("{}/metrics/openapi.json", demo.said("url"))]);
    // The same requests each time, some thirty for an endpoint beside the edges of each parameter.
    command.args(["--phases", "coverage,fuzzing", "--max-examples", "30"]);
    command.args(["--generation-deterministic", "--no-color", "--warnings", "off"]);
    let output = command.current_dir(folder.path()).output().expect("Python runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("Tested: "), "{report}");
}
