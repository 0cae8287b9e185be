//! Starts a throw-away Postgres from binaries found on the machine.
//!
//! Tests and demos need a real server without a container runtime, a download or a
//! fixed port. Most developer machines already have the two programs that it takes,
//! `initdb` and `postgres`. This crate finds them, creates a cluster in a temporary
//! folder, starts it on a Unix socket in that folder, and removes everything when the handle
//! is dropped. A test can also kill the server and start it again on the same data and
//! socket, to simulate a database that goes away and comes back.
//!
//! It has these properties, where *host* means the process that holds the handle:
//!
//! - Postgres refuses to run as root. Root starts it as the user `postgres`, or else
//!   as `nobody`, and makes that user the owner of the temporary folder.
//! - The server leads a process group of its own, so a terminal's Ctrl-C reaches only
//!   the host, which can still finish its work on the database. On a machine with
//!   `setpriv` of util-linux, the kernel ends the server, or `initdb`, when the host
//!   dies without having stopped it. The next start with the same temporary folder
//!   removes the data of a host that was killed.
//! - The server listens on no network address. Only root and the folder's owner can enter the
//!   temporary folder, which has its socket and its shared memory files. Clients log in as a
//!   role that owns the database and is not a superuser.
//! - The server syncs nothing to disk, because the data are removed with the handle. A
//!   killed server still recovers what it had committed.
//!
//! The functions block, because they are called at set-up and from `Drop`, where code
//! cannot await. An async host calls them from a blocking task.
//!
//! The crate does not know pools, schemas, SQL or versions of Postgres, and does not
//! install Postgres. It works on Unix only.
//!
//! ```
//! use node0_local_postgres::{LocalPostgres, StartError};
//!
//! match LocalPostgres::builder().max_connections(20).start() {
//!     Ok(mut postgres) => {
//!         let url = postgres.url();
//!         assert!(url.starts_with("postgres://node0@%2F"));
//!
//!         postgres.kill();
//!         assert_eq!(postgres.pid(), None);
//!         postgres.restart()?;
//!         assert_eq!(postgres.url(), url);
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
