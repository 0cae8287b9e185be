//! Checks the packages that users get: each is complete, and cargo can make all of them.
//!
//! A fault of a package shows only when it is published, or later on docs.rs and on the pages of
//! the registry. So the check reads the manifests and the lists of files, and then lets cargo
//! make the packages, in the order of their dependencies. That compiles nothing: the proof
//! `packages` builds each package from its archive.

mod front_page;
#[cfg(test)]
mod tests;

use std::process::Command;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use crate::verdict::{Findings, Verdict};
use crate::workspace::{Workspace, passes};

/// The name of the facade, with which the names of all packages begin.
const FACADE: &str = "node0";
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
const README: &str = "README.md";

/// Checks every package that is published.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let metadata = read(workspace)?;
    let mut findings = Findings::new();
    for package in published(&metadata) {
        findings.extend(of_manifest(package));
        findings
            .extend(package.dependencies.iter().filter_map(|it| of_edge(&metadata, package, it)));
        findings.extend(of_files(workspace, package)?);
    }
    for (path, text) in documents(workspace)? {
        if workspace.read(&path).ok().as_ref() != Some(&text) {
            findings.push(format!("{path} is stale: run `cargo xtask generate`"));
        }
    }
    // What is wrong with one package keeps cargo from making the next ones.
    if findings.is_empty() {
        findings.extend(of_cargo(&mut package(workspace, "--no-verify")?)?);
    }
    Ok(findings)
}

/// Returns the generated READMEs: their paths and texts.
pub(crate) fn documents(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let metadata = read(workspace)?;
    let mut documents = Vec::new();
    for package in published(&metadata) {
        // A manifest that names another README has one that people wrote.
        if package.readme.as_ref().is_some_and(|readme| readme != README) {
            continue;
        }
        let home = home(&metadata, package)?;
        let library = workspace.read(&format!("{home}/src/lib.rs"))?;
        documents.push((format!("{home}/{README}"), front_page::readme(&package.name, &library)));
    }
    Ok(documents)
}

/// Builds each package from its archive, with the archives of the others as its dependencies.
pub(crate) fn prove(workspace: &Workspace) -> Result<Verdict> {
    passes(&mut package(workspace, "--all-features")?)
}

/// Returns the call of cargo that makes all packages, in the order of their dependencies.
fn package(workspace: &Workspace, option: &str) -> Result<Command> {
    let metadata = read(workspace)?;
    let mut call = workspace.cargo(&["package", "--locked", "--offline", "--allow-dirty", option]);
    for package in published(&metadata) {
        call.args(["--package", &package.name]);
    }
    Ok(call)
}

fn read(workspace: &Workspace) -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(workspace.path("Cargo.toml"))
        .no_deps()
        .other_options(["--locked", "--offline"].map(String::from))
        .exec()
        .context("cannot read the workspace's metadata")
}

fn published(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| is_published(package))
}

/// Returns `true` unless the manifest says `publish = false`.
fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

/// Returns the folder of a package, relative to the root of the workspace.
fn home<'a>(metadata: &Metadata, package: &'a Package) -> Result<&'a Utf8Path> {
    let home = package.manifest_path.parent().context("a manifest lies in a folder")?;
    Ok(home.strip_prefix(&metadata.workspace_root).unwrap_or(home))
}

/// Checks what a manifest says of the package itself.
fn of_manifest(package: &Package) -> Findings {
    let name = &package.name;
    let mut findings = Findings::new();
    // Log targets are the paths of modules, and so begin with the name of the library.
    for library in package.targets.iter().filter(|target| target.is_lib()) {
        let (library, expected) = (&library.name, name.replace('-', "_"));
        if *library != expected || !expected.starts_with(FACADE) {
            findings.push(format!(
                "`{name}`: its library, and so the target of its log messages, is `{library}`: \
                 let both names be the same and begin with `{FACADE}`"
            ));
        }
    }
    if package.metadata.pointer("/docs/rs/all-features").is_none_or(|it| *it != true) {
        findings.push(format!(
            "`{name}`: docs.rs would leave out what is behind features: write \
             `[package.metadata.docs.rs]` with `all-features = true`"
        ));
    }
    findings
}

/// Checks a dependency on a crate of the workspace.
fn of_edge(metadata: &Metadata, package: &Package, edge: &Dependency) -> Option<String> {
    let to = metadata
        .packages
        .iter()
        .find(|to| edge.path.is_some() && to.manifest_path.parent() == edge.path.as_deref())?;
    let of_tests = edge.kind == DependencyKind::Development;
    let has_version = edge.req.to_string() != "*";
    let words = match (is_published(to), of_tests, has_version) {
        (false, false, _) => "it is not published: publish it, or use it in tests only",
        (false, true, true) => {
            "it is not published: leave out its version, and cargo leaves it out of the package"
        }
        (true, false, false) => "without a version, users cannot get it: write its version",
        _ => return None,
    };
    Some(format!("`{}` → `{}`: {words}", package.name, to.name))
}

/// Checks that a package contains the licences; a README that exists is always in it.
fn of_files(workspace: &Workspace, package: &Package) -> Result<Findings> {
    let name = &package.name;
    let list = ["package", "--list", "--locked", "--offline", "--allow-dirty", "--package", name];
    let output = workspace.cargo(&list).output().context("cannot run cargo")?;
    if !output.status.success() {
        let words = in_one_line(&String::from_utf8_lossy(&output.stderr));
        return Ok(vec![format!("`{name}`: cargo cannot list its files: {words}")]);
    }
    let list = String::from_utf8_lossy(&output.stdout);
    let home = package.manifest_path.parent().context("a manifest lies in a folder")?;
    let mut findings = Findings::new();
    for licence in LICENCES {
        let expected = workspace.read(licence)?;
        let is_same = std::fs::read_to_string(home.join(licence)).is_ok_and(|it| it == expected);
        if !is_same || !list.lines().any(|file| file == licence) {
            findings.push(format!(
                "`{name}`: its package lacks the licence: run `ln -s ../../{licence} .` in its folder"
            ));
        }
    }
    Ok(findings)
}

/// Runs cargo, and returns one finding if it fails or warns.
fn of_cargo(call: &mut Command) -> Result<Option<String>> {
    let output = call.output().with_context(|| format!("cannot run {call:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let complaint = said.find("warning: ").into_iter().chain(said.find("error: ")).min();
    if output.status.success() && complaint.is_none() {
        return Ok(None);
    }
    let (before, complaint) = said.split_at(complaint.unwrap_or(0));
    // The last package that cargo names before its complaint is the one at fault, or comes before it.
    let last = before.lines().rev().find_map(|line| line.trim().strip_prefix("Packaging "));
    let last = last.map(|last| format!(" (at or after {last})")).unwrap_or_default();
    Ok(Some(format!("cargo cannot make the packages{last}: {}", in_one_line(complaint))))
}

fn in_one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
