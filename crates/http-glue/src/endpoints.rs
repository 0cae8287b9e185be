//! What the host's monitoring answers over HTTP.
//!
//! Everything is read from the registry's samples and from [`Readiness`](crate::Readiness);
//! no monitor is known by name. How a body is written, how a query is taken and
//! how an error looks is settled here once, for all endpoints.

mod routes;

mod health;
mod pages;

mod error;
mod query;
mod render_slots;
mod reply;

pub use error::ApiError;
pub use routes::Routes;
