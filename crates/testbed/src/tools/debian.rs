//! Downloads and unpacks Debian packages without installing them.
//!
//! `apt-get download` needs package lists, and only root may refresh the system's. So apt
//! gets a private state: its own lists, its own cache, one source that Debian's keyring
//! signs, and an empty package database, so that an installed newer version does not hide
//! the one to download. The system's apt configuration applies too, for example proxies,
//! except its hooks, which would change the system.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ToolError;
use super::search::{in_path, run};
use super::store::remove_dir;

/// Debian's keyring, which Debian and its derivatives have as a package.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The folders that are removed to save space: about half of the packages' files.
const UNUSED: &[&str] = &["usr/share/doc", "usr/share/man", "usr/share/locale"];

/// A set of packages of one Debian release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packages {
    /// The release's code name.
    pub(super) release: &'static str,
    /// The names of the packages.
    pub(super) names: &'static [&'static str],
}

impl Packages {
    /// Returns a text that identifies the packages, to detect a change of them.
    pub(super) fn recipe(&self) -> String {
        format!("{} {}", self.release, self.names.join(" "))
    }

    /// Downloads the packages and unpacks them into `folder`.
    ///
    /// `tool` is the name of the tool in errors.
    pub(super) fn unpack(&self, tool: &str, folder: &Path) -> Result<(), ToolError> {
        if ["apt-get", "dpkg"].iter().any(|program| in_path(program).is_empty()) {
            let missing = "there are no apt-get and dpkg to unpack it with";
            return Err(ToolError::NoSource { tool: tool.to_owned(), missing });
        }
        let mirror = mirror().ok_or_else(|| ToolError::NoSource {
            tool: tool.to_owned(),
            missing: "no Debian mirror is configured",
        })?;
        if !Path::new(KEYRING).exists() {
            let (helper, install) = (KEYRING, "debian-archive-keyring");
            return Err(ToolError::NoHelper { tool: tool.to_owned(), helper, install });
        }
        let scratch = folder.join(".apt");
        let config = write_config(&scratch, &mirror, self.release)?;
        run(apt_get(&config).arg("update"))?;
        run(apt_get(&config).arg("download").args(self.names).current_dir(&scratch))?;
        for package in packages_in(&scratch)? {
            run(Command::new("dpkg").arg("-x").arg(package).arg(folder))?;
        }
        remove_dir(&scratch)?;
        UNUSED.iter().try_for_each(|dir| remove_dir(&folder.join(dir)))
    }
}

/// Creates apt's private state below `scratch` and returns its configuration file.
fn write_config(scratch: &Path, mirror: &str, release: &str) -> Result<PathBuf, ToolError> {
    for sub in ["lists/partial", "cache/archives/partial"] {
        let dir = scratch.join(sub);
        fs::create_dir_all(&dir).map_err(ToolError::io("cannot make", &dir))?;
    }
    let root = scratch.display();
    let config = format!(
        "Dir::Etc::sourcelist \"{root}/sources.list\";\n\
         Dir::Etc::sourceparts \"-\";\n\
         Dir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Dir::State::lists \"{root}/lists\";\n\
         Dir::State::status \"{root}/status\";\n\
         Dir::Cache \"{root}/cache\";\n\
         APT::Sandbox::User \"\";\n\
         APT::Update::Error-Mode \"any\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"2\";\n\
         #clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n"
    );
    let path = scratch.join("apt.conf");
    for (name, text) in [
        ("apt.conf", config),
        ("sources.list", format!("deb [signed-by={KEYRING}] {mirror} {release} main\n")),
        ("status", String::new()),
    ] {
        let file = scratch.join(name);
        fs::write(&file, text).map_err(ToolError::io("cannot write", &file))?;
    }
    Ok(path)
}

/// Returns an apt-get command that reads `config` last, so that nothing overrides it.
fn apt_get(config: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-c").arg(config).arg("-qq").env("LC_ALL", "C");
    command
}

/// Returns the packages that apt-get has downloaded into `scratch`.
fn packages_in(scratch: &Path) -> Result<Vec<PathBuf>, ToolError> {
    let entries = fs::read_dir(scratch).map_err(ToolError::io("cannot list", scratch))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(files.filter(|file| file.extension().is_some_and(|end| end == "deb")).collect())
}

/// Returns the mirror of `NODE0_DEBIAN_MIRROR`, else the one that this Debian uses.
fn mirror() -> Option<String> {
    if let Ok(named) = env::var("NODE0_DEBIAN_MIRROR") {
        return Some(named);
    }
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let field = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    if field("ID")? != "debian" {
        return None;
    }
    let suite = field("VERSION_CODENAME")?;
    source_files().iter().find_map(|text| mirror_in(text, &suite))
}

/// Reads the system's files of package sources, which may have either of two notations.
fn source_files() -> Vec<String> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten();
    paths.extend(parts.filter_map(Result::ok).map(|entry| entry.path()));
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Finds the address that serves `suite main` in one file of package sources.
fn mirror_in(text: &str, suite: &str) -> Option<String> {
    one_line_mirror(text, suite).or_else(|| stanza_mirror(text, suite))
}

/// Reads the notation `deb [options] ADDRESS SUITE COMPONENTS…`.
fn one_line_mirror(text: &str, suite: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => rest,
        };
        let mut words = rest.split_whitespace();
        let (address, its_suite) = (words.next()?, words.next()?);
        (its_suite == suite && words.any(|word| word == "main")).then(|| address.to_owned())
    })
}

/// Reads the notation of `key: value` stanzas.
fn stanza_mirror(text: &str, suite: &str) -> Option<String> {
    let without_comments: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    without_comments.split(|line| line.trim().is_empty()).find_map(|stanza| {
        let field = |key: &str| {
            stanza.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(key).then(|| value.split_whitespace())
            })
        };
        let fits = field("Types")?.any(|word| word == "deb")
            && field("Suites")?.any(|word| word == suite)
            && field("Components")?.any(|word| word == "main");
        fits.then(|| field("URIs")?.next().map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::mirror_in;

    #[track_caller]
    fn check(sources: &str, expected: Option<&str>) {
        assert_eq!(mirror_in(sources, "bookworm").as_deref(), expected);
    }

    #[test]
    fn one_line_source_of_the_release_is_found() {
        check("deb http://mirror.test/debian bookworm main\n", Some("http://mirror.test/debian"));
        check(
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/d bookworm main contrib",
            Some("http://mirror.test/d"),
        );
    }

    #[test]
    fn stanza_source_of_the_release_is_found() {
        check(
            "Types: deb deb-src\n# a remark\nURIs: http://mirror.test/debian\n\
             Suites: bookworm bookworm-updates\nComponents: main\n",
            Some("http://mirror.test/debian"),
        );
    }

    #[test]
    fn sources_of_others_are_passed_over() {
        check("deb http://vendor.test/apt cloud-bookworm main\n", None);
        check("deb http://vendor.test/debian bookworm stable\n", None);
        check("# deb http://mirror.test/debian bookworm main\n", None);
        check(
            "Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\n\
             Components: main\n",
            None,
        );
    }
}
