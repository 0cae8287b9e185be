//! A row of the table: a crate, the crates that it may use, and its exceptions.
//!
//! The role grants most permissions; a row lists only the ones that the role does not
//! decide, so that a new crate needs few words.

use super::role::Role;

/// A crate of the workspace and the crates that it may depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) role: Role,
    /// The crate's folder, without `crates/`.
    pub(super) name: &'static str,
    /// The crate's subject, for the printed table.
    pub(super) knows: &'static str,
    pub(super) ours: Ours,
    pub(super) outside: Outside,
    /// Groups of crates that it must not reach, directly or through others.
    pub(super) never: &'static [&'static [&'static str]],
    /// The parts that are larger than the limits.
    pub(super) oversize: &'static [Oversize],
}

/// The crates of the workspace that a crate may use by normal and build edges.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ours {
    /// All crates of the roles that its own role may use.
    ByRole,
    /// Only these crates; each has an earlier role, or both are programs.
    Only(&'static [&'static str]),
}

/// The outside crates that a crate may name directly, optional ones included.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outside {
    Only(&'static [&'static str]),
    Anything,
}

/// A part of a crate that is larger than its limit, and the reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oversize {
    /// The part: `src` for the crate, `src/file.rs` for a file, `src/file.rs::name` for a
    /// function.
    pub(super) part: &'static str,
    /// The most lines that the part may have.
    pub(super) lines: usize,
    pub(super) reason: &'static str,
}

impl Row {
    /// Returns the crate's folder, relative to the root of the workspace.
    pub(super) fn home(&self) -> String {
        if self.name == "xtask" { self.name.to_owned() } else { format!("crates/{}", self.name) }
    }

    /// Returns the name that its package must have.
    pub(super) fn package(&self) -> String {
        let is_plain = matches!(self.name, "node0" | "xtask");
        if is_plain { self.name.to_owned() } else { format!("node0-{}", self.name) }
    }

    /// Returns `true` if this crate may depend on `other` directly.
    pub(super) fn may_use(&self, other: &Self) -> bool {
        let is_granted = match self.ours {
            Ours::ByRole => self.role.may_use(other.role),
            Ours::Only(names) => names.contains(&other.name),
        };
        let are_programs = self.role == Role::Program && other.role == Role::Program;
        is_granted && (other.role < self.role || are_programs)
    }

    /// Returns `true` if this crate may depend on `other` directly or through other crates.
    pub(super) fn may_build_on(&self, other: &Self, table: &[Self]) -> bool {
        let mut between = table.iter().filter(|it| it.role < self.role && self.may_use(it));
        self.may_use(other) || between.any(|it| it.may_build_on(other, table))
    }

    /// Returns `true` if it uses no other crate of the workspace, so that every test may use it.
    pub(super) fn is_helper(&self) -> bool {
        self.role == Role::Program && matches!(self.ours, Ours::Only([]))
    }
}

/// A row whose crate uses what its role allows, and is no larger than others.
pub(super) const BY_ROLE: Row = Row {
    role: Role::Core,
    name: "",
    knows: "",
    ours: Ours::ByRole,
    outside: Outside::Only(&[]),
    never: &[],
    oversize: &[],
};
