//! The load's own ledger: the number of requests by their answer.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use testbed::http::{HttpError, Request, Response};

/// The answer to a kind of request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    /// The message of an answer above 499, by which the demo tells causes apart.
    pub(crate) message: String,
}

/// The number of each answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(BTreeMap<Answer, u64>);

impl Answers {
    /// Counts the answers of which this is true.
    pub(crate) fn count(&self, is_meant: impl Fn(&Answer) -> bool) -> u64 {
        self.0.iter().filter(|(answer, _)| is_meant(answer)).map(|(_, count)| count).sum()
    }

    /// Returns the number of requests by method, route and status.
    pub(crate) fn by_status(&self) -> BTreeMap<[String; 3], u64> {
        let mut all = BTreeMap::new();
        for (answer, count) in &self.0 {
            let status = answer.status.to_string();
            *all.entry([answer.method.to_owned(), answer.route.to_owned(), status]).or_default() +=
                count;
        }
        all
    }

    /// Returns each answer as a line, for the report of the proof.
    pub(crate) fn lines(&self) -> Value {
        let line = |answer: &Answer| {
            let Answer { method, route, status, message } = answer;
            format!("{method} {route} {status} {message}").trim_end().to_owned()
        };
        json!(
            self.0.iter().map(|(answer, count)| (line(answer), count)).collect::<BTreeMap<_, _>>()
        )
    }
}

/// Sends requests and counts their answers; clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    answers: Answers,
    /// The requests that had no answer.
    unanswered: Vec<String>,
}

impl Ledger {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self { address, book: Arc::default() }
    }

    /// Sends a request on a connection of its own, and counts its answer.
    pub(crate) fn send(
        &self,
        method: &'static str,
        route: &'static str,
        request: &Request,
    ) -> Option<Response> {
        self.enter(method, route, request.send(self.address))
    }

    /// Sends a GET on a connection that stays open, and counts its answer.
    pub(crate) fn get_on(&self, stream: &mut TcpStream, path: &'static str) {
        self.enter("GET", path, Request::get(path).send_on(stream));
    }

    /// Returns the address of the demo.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn enter(
        &self,
        method: &'static str,
        route: &'static str,
        response: Result<Response, HttpError>,
    ) -> Option<Response> {
        let entry = |error: &HttpError| format!("{method} {route}: {error:?}");
        let response = response.map_err(|error| self.book().unanswered.push(entry(&error)));
        let response = response.ok()?;
        let body = || response.json().ok().unwrap_or_default();
        let message = match response.status {
            500.. => body()["error"]["message"].as_str().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let answer = Answer { method, route, status: response.status, message };
        *self.book().answers.0.entry(answer).or_default() += 1;
        Some(response)
    }

    /// Returns the answers so far, or the requests that had none.
    pub(crate) fn answers(&self) -> Result<Answers, Vec<String>> {
        let book = self.book();
        if book.unanswered.is_empty() {
            Ok(book.answers.clone())
        } else {
            Err(book.unanswered.clone())
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
