//! The roles of crates, in order from the core outwards.
//!
//! A role decides which other crates a crate may use, so the table need not list them.

use std::fmt;

/// The role of a crate in the architecture.
///
/// The order of the variants matters: a crate may use crates of earlier roles only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Holds the numbers, and the traits through which all others meet.
    Core,
    /// Watches one kind of resource.
    Monitor,
    /// Passes the log messages of the others to the host.
    Log,
    /// Ticks the registry, which takes samples and calls monitors and observers.
    Engine,
    /// Compresses data for a reader, whatever they mean.
    Codec,
    /// Turns samples into a form that people or programs read: a page, a history, alerts.
    Reader,
    /// Sends data to services outside this process.
    Outlet,
    /// Wraps code of the host, and records what passes through it.
    Layer,
    /// Accepts connections for a service, and says whether it takes traffic.
    Server,
    /// Serves the readers over a protocol.
    Surface,
    /// Wires all libraries together and re-exports them.
    Facade,
    /// Is a program or a helper of tests: the demo, this package, the servers of tests.
    Program,
}

impl Role {
    const ALL: [Self; 12] = [
        Self::Core,
        Self::Monitor,
        Self::Log,
        Self::Engine,
        Self::Codec,
        Self::Reader,
        Self::Outlet,
        Self::Layer,
        Self::Server,
        Self::Surface,
        Self::Facade,
        Self::Program,
    ];

    /// Returns `true` if crates of this role may use crates of role `other`.
    pub(super) fn may_use(self, other: Self) -> bool {
        match self {
            Self::Core | Self::Codec | Self::Log => false,
            Self::Monitor | Self::Layer => other == Self::Core,
            Self::Engine => matches!(other, Self::Core | Self::Log),
            Self::Reader => matches!(other, Self::Core | Self::Codec),
            // What an outlet sends is what a reader made.
            Self::Outlet => {
                matches!(other, Self::Core | Self::Log | Self::Engine | Self::Reader)
            }
            Self::Server => matches!(other, Self::Core | Self::Log | Self::Layer),
            // A surface uses monitors through the core's trait only.
            Self::Surface => {
                matches!(
                    other,
                    Self::Core
                        | Self::Log
                        | Self::Engine
                        | Self::Reader
                        | Self::Outlet
                        | Self::Layer
                        | Self::Server
                )
            }
            Self::Facade | Self::Program => other < self,
        }
    }

    /// Returns the roles that crates of this role may use, in order.
    pub(super) fn uses(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |other| self.may_use(*other))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Monitor => "monitor",
            Self::Log => "log",
            Self::Engine => "engine",
            Self::Codec => "codec",
            Self::Reader => "reader",
            Self::Outlet => "outlet",
            Self::Layer => "layer",
            Self::Server => "server",
            Self::Surface => "surface",
            Self::Facade => "facade",
            Self::Program => "program",
        })
    }
}
