//! Starts a throw-away Postgres from binaries found on the machine.
//!
//! Tests and demos want a real server without a container runtime, a download or a
//! fixed port. Most developer machines already have the two programs that it takes,
//! `initdb` and `postgres`; this crate finds them, makes a cluster in a temporary
//! folder, starts it on a free loopback port, and takes everything away again when
//! the handle is dropped. A test may also kill the server and start it again on the
//! same data and port, which is how a lost database is rehearsed.
//!
//! What it is careful about:
//!
//! - Postgres refuses to run as root. Root starts it as the user `postgres`, or else
//!   as `nobody`, and hands that user the temporary folder.
//! - The server leads a process group of its own, so a terminal's Ctrl-C reaches the
//!   host alone and the host can still finish its work on the database. Where
//!   `setpriv` of util-linux is at hand, the kernel ends the server, or `initdb`, when
//!   the host dies without having stopped it. The folder of such a host is removed by
//!   the next start in the same place.
//! - It listens on 127.0.0.1 only, has no Unix socket, and keeps its shared memory
//!   files in the temporary folder: nothing of it lies anywhere else.
//! - Durability is off. The data are gone when the handle is, so nothing waits for a
//!   disk; a killed server still recovers what it had committed.
//!
//! The interface blocks, because it is called at set-up and from `Drop`, where there
//! is no runtime to await on. An async host calls it from a blocking task.
//!
//! It refuses to know: pools, schemas, SQL, versions of Postgres and how to get one.
//! Unix only.
//!
//! ```
//! use local_postgres::{LocalPostgres, StartError};
//!
//! match LocalPostgres::builder().max_connections(20).start() {
//!     Ok(mut postgres) => {
//!         let (url, port) = (postgres.url(), postgres.port());
//!         assert_eq!(url, format!("postgres://postgres@127.0.0.1:{port}/postgres"));
//!
//!         postgres.kill();
//!         assert_eq!(postgres.pid(), None);
//!         postgres.restart()?;
//!         assert_eq!(postgres.port(), port);
//!     }
//!     Err(StartError::BinariesNotFound { .. }) => {} // This machine has no Postgres.
//!     Err(other) => return Err(other),
//! }
//! # Ok::<(), StartError>(())
//! ```

mod account;
mod binaries;
mod builder;
mod cluster;
mod folder;
mod postgres;
mod process;
mod tether;

pub use builder::{Builder, StartError};
pub use postgres::LocalPostgres;
