//! The workspace's dependencies, as `cargo metadata` reports them.
//!
//! It contains what the rules need and nothing else: each crate's direct dependencies, and
//! the packages that it reaches in a build.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::workspace::Workspace;

/// Every crate of the workspace with its dependencies.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) crates: Vec<Crate>,
}

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    /// The crate's folder, which is its name in the table.
    pub(super) folder: String,
    /// The name of its package.
    pub(super) package: String,
    /// The dependencies that its manifest names, optional ones included.
    pub(super) edges: Vec<Edge>,
    /// The packages that it reaches by normal and build edges, with all features on.
    pub(super) reaches: BTreeSet<String>,
}

/// A dependency that a manifest names.
#[derive(Debug)]
pub(super) struct Edge {
    /// The folder of a crate of the workspace, or the package of an outside one.
    pub(super) to: String,
    pub(super) kind: DependencyKind,
    pub(super) is_ours: bool,
}

impl Crate {
    /// Returns the edges that are part of a user's build; those of tests are not.
    pub(super) fn built_edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| edge.kind != DependencyKind::Development)
    }
}

impl Graph {
    /// Reads the graph from cargo, without the network and without changing the lock file.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace.path("Cargo.toml"))
            .other_options(["--all-features", "--locked", "--offline"].map(String::from))
            .exec()
            .context("cannot read the workspace's metadata")?;
        Self::of(&metadata)
    }

    fn of(metadata: &Metadata) -> Result<Self> {
        let members = metadata.workspace_packages();
        let folders: BTreeMap<&str, String> =
            members.iter().map(|member| (member.name.as_str(), folder_of(member))).collect();
        let mut crates = Vec::new();
        for member in &members {
            let dependencies = member.dependencies.iter();
            let built = dependencies.filter(|it| !is_model(it.target.as_ref()));
            let edges = built.map(|dependency| {
                // A dependency belongs to the workspace if its path is the folder of a member.
                let ours = folders.get(dependency.name.as_str()).filter(|_| {
                    dependency.path.as_ref().is_some_and(|path| {
                        members.iter().any(|it| it.manifest_path.parent() == Some(path))
                    })
                });
                let to = ours.cloned().unwrap_or_else(|| dependency.name.clone());
                Edge { to, kind: dependency.kind, is_ours: ours.is_some() }
            });
            crates.push(Crate {
                folder: folder_of(member),
                package: member.name.to_string(),
                edges: edges.collect(),
                reaches: reachable(metadata, &member.id)?,
            });
        }
        Ok(Self { crates })
    }
}

/// Returns `true` if a dependency is for the loom models only, so that no user builds it.
fn is_model(target: Option<&Platform>) -> bool {
    target.is_some_and(|target| target.to_string() == "cfg(loom)")
}

fn folder_of(package: &Package) -> String {
    let folder = package.manifest_path.parent().and_then(|path| path.file_name());
    folder.unwrap_or(package.name.as_str()).to_owned()
}

/// Returns the packages that a package reaches by normal and build edges.
fn reachable(metadata: &Metadata, start: &PackageId) -> Result<BTreeSet<String>> {
    let resolve = metadata.resolve.as_ref().context("cargo left out the resolved graph")?;
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|it| (&it.id, it)).collect();
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let node = nodes.get(id).with_context(|| format!("cargo left out {id}"))?;
        for dependency in &node.deps {
            let kinds = &dependency.dep_kinds;
            let is_real = kinds
                .iter()
                .any(|it| it.kind != DependencyKind::Development && !is_model(it.target.as_ref()));
            if is_real && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.remove(start);
    Ok(seen.into_iter().map(|id| metadata[id].name.to_string()).collect())
}
