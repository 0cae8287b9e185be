//! The reference validator finds what a schema forbids.

use serde_json::json;
use testbed::{json_schema, tools};

#[test]
fn fault_is_named_with_its_place() {
    let tool = testbed::require!(tools::jsonschema());
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, schema) in [
        ("word.json", json!({ "type": "string", "minLength": 1 })),
        ("list.json", json!({ "type": "array", "items": { "$ref": "word.json" } })),
        ("thing.json", json!({ "type": "object", "properties": { "a": true } })),
    ] {
        std::fs::write(folder.path().join(name), schema.to_string()).expect("a file");
    }
    let [good, bad] = [json!(["a"]), json!(["a", 7])];
    let values = [("list.json", &good), ("list.json", &bad)];
    let faults = json_schema::faults(&tool, folder.path(), values).expect("it runs");
    assert_eq!(faults, ["list.json: at /1: 7 is not of type 'string'"]);
    let more = json!({ "a": 1, "b": 2 });
    let faults = json_schema::faults(&tool, folder.path(), [("thing.json", &more)]);
    assert!(faults.expect("it runs")[0].contains("'b' was unexpected"));
    std::fs::write(folder.path().join("odd.json"), r#"{"type":"thing"}"#).expect("a file");
    json_schema::faults(&tool, folder.path(), [("list.json", &good)]).expect_err("no schema");
}
