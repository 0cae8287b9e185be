//! The roles that crates have, in order from the core outwards.

use std::fmt;

/// The part that a crate plays in the architecture.
///
/// Variants stand in order: a crate uses crates of earlier roles, and never another of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Holds the numbers, and the traits through which all others meet.
    Core,
    /// Watches one kind of resource.
    Monitor,
    /// Makes time pass: takes samples and calls monitors and observers.
    Engine,
    /// Turns samples into something to read, such as a page, a history or alerts.
    Reader,
    /// Delivers to services outside of this process.
    Outlet,
    /// Serves the readers over a protocol.
    Surface,
    /// Wires all libraries together and re-exports them.
    Facade,
    /// Runs, or helps tests to run: the demo, this package, the real servers of tests.
    Program,
}

impl Role {
    const ALL: [Self; 8] = [
        Self::Core,
        Self::Monitor,
        Self::Engine,
        Self::Reader,
        Self::Outlet,
        Self::Surface,
        Self::Facade,
        Self::Program,
    ];

    /// Tells whether crates of this role may use crates of `other`.
    pub(super) fn may_use(self, other: Self) -> bool {
        match self {
            Self::Core => false,
            Self::Monitor | Self::Engine | Self::Reader => other == Self::Core,
            Self::Outlet => matches!(other, Self::Core | Self::Engine),
            // A surface knows monitors by the trait of the core only.
            Self::Surface => {
                matches!(other, Self::Core | Self::Engine | Self::Reader | Self::Outlet)
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
            Self::Engine => "engine",
            Self::Reader => "reader",
            Self::Outlet => "outlet",
            Self::Surface => "surface",
            Self::Facade => "facade",
            Self::Program => "program",
        })
    }
}
