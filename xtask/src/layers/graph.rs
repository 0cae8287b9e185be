//! The workspace's dependencies, as cargo reports them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::workspace::Workspace;

/// Every crate of the workspace with what it names and what it reaches.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) crates: Vec<Crate>,
}

/// One crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    /// Its folder, which is its name in the table.
    pub(super) folder: String,
    /// Its package name.
    pub(super) package: String,
    /// The dependencies that its manifest names, optional ones included.
    pub(super) edges: Vec<Edge>,
    /// Packages reachable by normal and build edges, with all features on.
    pub(super) reaches: BTreeSet<String>,
}

/// One dependency that a manifest names.
#[derive(Debug)]
pub(super) struct Edge {
    /// The folder of a crate of ours, the package of an outside one.
    pub(super) to: String,
    pub(super) kind: DependencyKind,
    pub(super) is_ours: bool,
}

impl Crate {
    /// Returns the edges that are part of a build, and not of tests only.
    pub(super) fn built_edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| edge.kind != DependencyKind::Development)
    }
}

impl Graph {
    /// Asks cargo, without the network and without changing the lock file.
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
                // A package of ours is one that lies where a member does.
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

/// Tells whether a dependency serves the loom models only, and no build of a user.
fn is_model(target: Option<&Platform>) -> bool {
    target.is_some_and(|target| target.to_string() == "cfg(loom)")
}

fn folder_of(package: &Package) -> String {
    let folder = package.manifest_path.parent().and_then(|path| path.file_name());
    folder.unwrap_or(package.name.as_str()).to_owned()
}

/// Follows normal and build edges from a package.
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
