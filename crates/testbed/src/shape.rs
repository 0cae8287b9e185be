//! The shape of JSON against an example: nesting, types, names and order of fields.

use serde_json::Value;

/// Checks that a body has every field of an example, in its order; more may follow at the end.
///
/// Numbers, strings and arrays are compared by type only.
///
/// ```
/// use serde_json::json;
/// use testbed::shape::check_shape;
///
/// check_shape(&json!({"used": {"max": 1}}), &json!({"used": {"max": 7, "min": 2}, "idle": 3}));
/// ```
///
/// # Panics
/// When a field is absent, in another place or of another type.
#[track_caller]
pub fn check_shape(example: &Value, body: &Value) {
    check_at("$", example, body);
}

#[track_caller]
fn check_at(path: &str, example: &Value, body: &Value) {
    match (example, body) {
        (Value::Object(example), Value::Object(body)) => {
            let wanted: Vec<_> = example.keys().collect();
            let found: Vec<_> = body.keys().take(wanted.len()).collect();
            assert_eq!(found, wanted, "at {path}");
            for (key, example) in example {
                check_at(&format!("{path}.{key}"), example, &body[key]);
            }
        }
        (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_))
        | (Value::Array(_), Value::Array(_)) => {}
        (example, body) => panic!("{path} is {body}, not like {example}"),
    }
}
