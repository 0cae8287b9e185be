//! The part of HTTP that a monitored service answers by itself.
//!
//! A [`Surface`] brings some paths; [`Routes`] mounts surfaces, ours and those of
//! the host, and makes the index and the OpenAPI description of what they
//! brought. Everything is read from the registry's samples and from
//! [`Readiness`](crate::Readiness); no monitor is known by name. How a query is
//! read, how slow work is limited and how an error looks is settled here once,
//! and is open to surfaces of the host.

mod routes;
mod surface;

mod endpoint;
mod parameter;

mod index;
mod paths;

mod health;
mod openapi;
mod pages;
mod probes;
mod reports;

mod error;
mod query;
mod render_slots;
mod reply;

pub use endpoint::{Endpoint, EndpointDesc};
pub use error::ApiError;
pub use index::Index;
pub use parameter::Parameter;
pub use query::Query;
pub use render_slots::{RenderLimits, RenderSlots};
pub use routes::{Routes, RoutesError};
pub use surface::{Mount, Surface};
