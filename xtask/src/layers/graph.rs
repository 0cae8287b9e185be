//! The workspace's dependencies, as `cargo metadata` reports them.
//!
//! It contains what the rules need and nothing else: each crate's direct dependencies, and
//! the packages that it reaches in a build.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

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
    /// The path of that folder, relative to the root of the workspace.
    pub(super) home: String,
    /// The root files of its libraries and programs, and its build script, relative to `home`.
    pub(super) root_files: Vec<String>,
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
    /// The name of the dependency in code, such as `node0_exporter`.
    pub(super) name: String,
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
        let crates = members.iter().map(|member| {
            let home = member.manifest_path.parent().context("a manifest lies in a folder")?;
            let targets = member.targets.iter();
            let built = targets.filter(|it| !it.is_test() && !it.is_bench() && !it.is_example());
            let below = |path: &Utf8Path, folder: &Utf8Path| {
                path.strip_prefix(folder).unwrap_or(path).to_string()
            };
            Ok(Crate {
                folder: folder_of(member),
                home: below(home, &metadata.workspace_root),
                root_files: built.map(|target| below(&target.src_path, home)).collect(),
                package: member.name.to_string(),
                edges: edges(metadata, member),
                reaches: reachable(metadata, &member.id)?,
            })
        });
        Ok(Self { crates: crates.collect::<Result<_>>()? })
    }
}

/// Returns the dependencies that a manifest names, without the library of the models.
fn edges(metadata: &Metadata, member: &Package) -> Vec<Edge> {
    let members = metadata.workspace_packages();
    let mut edges = Vec::new();
    for it in member.dependencies.iter().filter(|it| !is_model(&it.name, it.target.as_ref())) {
        // A dependency belongs to the workspace if its path is the folder of a member.
        let ours = members.iter().find(|member| {
            it.path.is_some() && member.manifest_path.parent() == it.path.as_deref()
        });
        edges.push(Edge {
            to: ours.map_or_else(|| it.name.clone(), |member| folder_of(member)),
            name: name_in_code(metadata, &member.id, it),
            kind: it.kind,
            is_ours: ours.is_some(),
        });
    }
    edges
}

/// Returns the name by which a crate's code names a dependency: the new name or the library's.
fn name_in_code(metadata: &Metadata, member: &PackageId, dependency: &Dependency) -> String {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let mut resolved = nodes.filter(|node| node.id == *member).flat_map(|node| &node.deps);
    let library = resolved.find(|it| metadata[&it.pkg].name == dependency.name);
    let library = library.map(|it| &it.name).filter(|_| dependency.rename.is_none());
    let name = library.or(dependency.rename.as_ref()).unwrap_or(&dependency.name);
    name.replace('-', "_")
}

/// Returns `true` if a dependency is for the loom models only, so that no user builds it.
///
/// Any other dependency under `cfg(loom)` is checked like the rest.
fn is_model(package: &str, target: Option<&Platform>) -> bool {
    package == "loom" && target.is_some_and(|target| target.to_string() == "cfg(loom)")
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
            let name = &metadata[&dependency.pkg].name;
            let is_real = dependency.dep_kinds.iter().any(|it| {
                it.kind != DependencyKind::Development && !is_model(name, it.target.as_ref())
            });
            if is_real && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.remove(start);
    Ok(seen.into_iter().map(|id| metadata[id].name.to_string()).collect())
}
