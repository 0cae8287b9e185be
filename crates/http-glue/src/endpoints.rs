//! The endpoints that node0 adds to a service.
//!
//! A [`Surface`] is a group of endpoints. [`Routes`] mounts the surfaces of this crate
//! and those of the host, and generates the index and the OpenAPI description of all of
//! them. All data comes from the registry's samples and from
//! [`Readiness`](crate::Readiness); the code names no monitor. All surfaces share the
//! parsing of queries, the limits for slow work and the format of errors.

mod routes;
mod surface;

mod endpoint;
mod parameter;

mod index;
mod paths;

mod alerts;
mod health;
#[cfg(feature = "history")]
mod history;
mod openapi;
mod pages;
mod probes;
mod reports;

mod error;
mod query;
mod render_slots;
mod reply;

pub use alerts::AlertPages;
pub use endpoint::{Endpoint, EndpointDesc};
pub use error::ApiError;
pub use index::Index;
pub use parameter::Parameter;
pub use query::Query;
pub use render_slots::{RenderLimits, RenderSlots};
pub use routes::{Routes, RoutesError};
pub use surface::{Mount, Surface};
