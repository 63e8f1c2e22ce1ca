//! The packages linked into the command, from cargo's metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Name of the command's package.
const COMMAND: &str = "anyface-cli";

/// A package at one version.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression; `None` for a custom licence.
    pub(crate) license: Option<String>,
    /// Folder of its sources.
    pub(crate) folder: PathBuf,
    /// SHA-256 of its archive in the registry; `None` for packages of this repository.
    pub(crate) checksum: Option<String>,
    /// Ids of the packages that it links.
    pub(crate) dependencies: BTreeSet<String>,
}

/// The command and all packages linked into it.
#[derive(Debug)]
pub(crate) struct Packages {
    /// Id of the command's package.
    pub(crate) root: String,
    /// Packages by id.
    pub(crate) all: BTreeMap<String, Package>,
    /// Cargo's target folder.
    pub(crate) target_directory: PathBuf,
}

/// Output of `cargo metadata`.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<MetadataPackage>,
    resolve: Resolve,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for linked packages, else `dev` or `build`.
    kind: Option<String>,
}

/// `Cargo.lock`.
#[derive(Deserialize)]
pub(crate) struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Packages {
    /// Reads the packages of the command for a build of the whole workspace for `target`.
    pub(crate) fn read(root: &Path, target: &str) -> Result<Self> {
        let metadata = [
            "metadata",
            "--format-version=1",
            "--filter-platform",
            target,
        ];
        let metadata = cargo(root, &metadata)?;
        let metadata = serde_json::from_slice(&metadata).context("cargo metadata")?;
        let lock = fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        let lock = toml::from_str(&lock).context("Cargo.lock")?;
        let edges = "--edges=normal,no-proc-macro";
        let tree = [
            "tree",
            "--workspace",
            edges,
            "--target",
            target,
            "--prefix=none",
        ];
        let tree = String::from_utf8(cargo(root, &tree)?)?;
        Self::of(metadata, lock, &tree)
    }

    /// Selects the packages in `tree`, the output of `cargo tree`. The metadata also contains
    /// packages of features that are not enabled.
    pub(crate) fn of(metadata: Metadata, lock: Lock, tree: &str) -> Result<Self> {
        let mut packages = metadata.packages;
        let built: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
        packages
            .retain(|package| built.contains(&(package.name.as_str(), package.version.as_str())));
        let ids: BTreeSet<&str> = packages.iter().map(|package| package.id.as_str()).collect();
        let nodes = metadata.resolve.nodes.iter();
        let mut linked: BTreeMap<String, BTreeSet<String>> = nodes
            .map(|node| (node.id.clone(), node.linked(&ids)))
            .collect();
        let command = packages.iter().find(|package| package.name == COMMAND);
        let root = command
            .with_context(|| format!("no package {COMMAND}"))?
            .id
            .clone();
        let wanted = reachable(&root, &linked);
        packages.retain(|package| wanted.contains(&package.id));

        let locked = lock.package.into_iter();
        let mut checksums: BTreeMap<_, _> = locked
            .map(|package| ((package.name, package.version), package.checksum))
            .collect();
        let all = packages.into_iter().map(|package| {
            let key = (package.name.clone(), package.version.clone());
            let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
            let described = Package {
                folder: folder.to_owned(),
                checksum: checksums.remove(&key).flatten(),
                dependencies: linked.remove(&package.id).unwrap_or_default(),
                name: package.name,
                version: package.version,
                license: package.license,
            };
            (package.id, described)
        });
        Ok(Self {
            all: all.collect(),
            root,
            target_directory: metadata.target_directory,
        })
    }

    /// The command's own package.
    pub(crate) fn command(&self) -> &Package {
        &self.all[&self.root]
    }
}

impl Node {
    /// Ids of the packages in `built` that are linked into this package.
    fn linked(&self, built: &BTreeSet<&str>) -> BTreeSet<String> {
        let is_linked = |dependency: &&NodeDependency| {
            let mut kinds = dependency.dep_kinds.iter();
            built.contains(dependency.pkg.as_str()) && kinds.any(|kind| kind.kind.is_none())
        };
        let linked = self.deps.iter().filter(is_linked);
        linked.map(|dependency| dependency.pkg.clone()).collect()
    }
}

/// The standard output of cargo.
fn cargo(root: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).arg("--locked").current_dir(root);
    let output = command.output().context("cargo")?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => bail!(
            "cargo {}: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Name and version in a line of `cargo tree`, e.g. `burn v0.22.1 (*)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// The package `root` and all packages linked into it, directly or indirectly.
fn reachable(root: &str, linked: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        if found.insert(id.to_owned()) {
            next.extend(linked.get(id).into_iter().flatten().map(String::as_str));
        }
    }
    found
}
