//! The messages of a client, parsed; a wrong one becomes the error that the client gets.

use serde_json::{Map, Value};

use crate::interval::{Interval, InvalidInterval};

/// The longest `id` that is echoed, in bytes.
const LONGEST_ID: usize = 128;

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(crate) struct ClientMessage {
    /// Echoed in the answer.
    pub(crate) id: Option<Value>,
    pub(crate) command: Result<Command, Refusal>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Subscribe {
        /// `None` means all topics.
        topics: Option<Vec<String>>,
        interval: Interval,
    },
    Unsubscribe {
        /// `None` means all topics.
        topics: Option<Vec<String>>,
    },
    Ping,
}

/// The reason why a message was refused, as the client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn invalid_type(field: &str, expected: &str) -> Self {
        Self::new("invalid_type", format!("`{field}` must be {expected}"))
    }
}

impl From<InvalidInterval> for Refusal {
    fn from(error: InvalidInterval) -> Self {
        Self::new("invalid_interval", error.to_string())
    }
}

impl ClientMessage {
    /// Reads a message; fields that are not known are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Self::of(&fields),
            Ok(_) => Self::refused(Refusal::invalid_type("the message", "a JSON object")),
            Err(error) => {
                Self::refused(Refusal::new("invalid_json", format!("not valid JSON: {error}")))
            }
        }
    }

    fn refused(refusal: Refusal) -> Self {
        Self { id: None, command: Err(refusal) }
    }

    fn of(fields: &Map<String, Value>) -> Self {
        match id_of(fields) {
            Ok(id) => Self { id, command: Command::of(fields) },
            Err(refusal) => Self::refused(refusal),
        }
    }
}

impl Command {
    fn of(fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let kinds = "`subscribe`, `unsubscribe` or `ping`";
        match fields.get("type").and_then(Value::as_str) {
            Some("subscribe") => {
                Ok(Self::Subscribe { topics: topics_of(fields)?, interval: interval_of(fields)? })
            }
            Some("unsubscribe") => Ok(Self::Unsubscribe { topics: topics_of(fields)? }),
            Some("ping") => Ok(Self::Ping),
            Some(_) => Err(Refusal::new("unknown_type", format!("`type` must be {kinds}"))),
            None => Err(Refusal::invalid_type("type", kinds)),
        }
    }
}

fn id_of(fields: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
    match fields.get("id") {
        None => Ok(None),
        Some(id @ (Value::Null | Value::Number(_))) => Ok(Some(id.clone())),
        Some(Value::String(id)) if id.len() <= LONGEST_ID => Ok(Some(id.as_str().into())),
        Some(_) => {
            let expected = format!("a number or a string of at most {LONGEST_ID} bytes");
            Err(Refusal::invalid_type("id", &expected))
        }
    }
}

fn topics_of(fields: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = fields.get("metrics") else { return Ok(None) };
    let names = value.as_array().and_then(|names| {
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    names.map(Some).ok_or_else(|| Refusal::invalid_type("metrics", "a list of names of topics"))
}

fn interval_of(fields: &Map<String, Value>) -> Result<Interval, Refusal> {
    match fields.get("interval") {
        None => Ok(Interval::default()),
        Some(value) => {
            let millis = value.as_f64().ok_or(InvalidInterval)?;
            Ok(Interval::from_millis(millis)?)
        }
    }
}
