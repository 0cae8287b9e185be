//! Who may read the demo's metrics, stream and page.
//!
//! Secrets come from a file or from the environment and never from the command line, which every user
//! of the machine can read.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use node0::{Credential, CredentialError, HttpSettings, Network};

use crate::flags::{Flags, Switch};

/// The variable with secrets, one a line.
const VARIABLE: &str = "NODE0_AUTH_TOKEN";

/// The secrets and networks that let clients in; without any, everybody may read.
#[derive(Debug, Default)]
pub struct Access {
    credentials: Option<Vec<Credential>>,
    networks: Vec<Network>,
    has_open_probes: bool,
}

/// Secrets that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The file cannot be read.
    #[error("--auth-token-file: `{}` cannot be read ({source}): name a file with a secret a line", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A line has no secret that a client could send.
    #[error("{origin}: line {line}: {source}")]
    Line {
        /// The flag or variable that has the line.
        origin: &'static str,
        /// Its number, from 1 on.
        line: usize,
        /// The reason.
        source: CredentialError,
    },
    /// There is no line with a secret.
    #[error("{origin} has no secret: write a token, or name:password, into a line")]
    Nothing {
        /// The flag or variable.
        origin: &'static str,
    },
    /// The variable is not a text.
    #[error("{VARIABLE} is no UTF-8: a secret is made of letters and digits")]
    NotText,
}

impl Access {
    /// Reads the secrets that flags and environment name.
    ///
    /// # Errors
    /// [`AccessError`] with the remedy, and without the secret.
    pub fn read(flags: &Flags) -> Result<Self, AccessError> {
        let credentials = match (&flags.auth_token_file, env::var(VARIABLE)) {
            (Some(path), _) => Some(credentials(&read(path)?, "--auth-token-file")?),
            (None, Ok(text)) => Some(credentials(&text, VARIABLE)?),
            (None, Err(env::VarError::NotPresent)) => None,
            (None, Err(env::VarError::NotUnicode(_))) => return Err(AccessError::NotText),
        };
        let networks = flags.allow_network.clone();
        Ok(Self { credentials, networks, has_open_probes: flags.open_probes == Switch::On })
    }

    /// Returns `true` if not everybody may read.
    pub fn is_restricted(&self) -> bool {
        self.credentials.is_some() || !self.networks.is_empty()
    }

    /// Adds the settings to those of the endpoints.
    pub(crate) fn apply_to(self, http: HttpSettings) -> HttpSettings {
        let http = self.credentials.into_iter().fold(http, HttpSettings::credentials);
        let http = match self.networks.is_empty() {
            true => http,
            false => http.networks(self.networks),
        };
        if self.has_open_probes { http.open_probes() } else { http }
    }
}

fn read(path: &Path) -> Result<String, AccessError> {
    fs::read_to_string(path).map_err(|source| AccessError::File { path: path.to_owned(), source })
}

/// Reads a secret a line: a token, or a name and a password with a colon between.
fn credentials(text: &str, origin: &'static str) -> Result<Vec<Credential>, AccessError> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let credentials = lines.map(|(index, line)| {
        // A token has no colon.
        let credential = match line.split_once(':') {
            Some((name, password)) => Credential::basic(name, password),
            None => Credential::bearer(line),
        };
        credential.map_err(|source| AccessError::Line { origin, line: index + 1, source })
    });
    let credentials = credentials.collect::<Result<Vec<_>, _>>()?;
    if credentials.is_empty() { Err(AccessError::Nothing { origin }) } else { Ok(credentials) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        credentials(text, VARIABLE).expect_err("it is no secret").to_string()
    }

    #[test]
    fn a_line_is_a_token_or_a_name_and_a_password() {
        let read = credentials("# scrapers\n\n  token-1 \nops:a b:c\n", VARIABLE);
        assert_eq!(read.expect("they can be sent").len(), 2);
    }

    #[test]
    fn a_line_that_cannot_be_sent_is_named_and_not_shown() {
        let refused = error("token-1\ns3 cret\n");
        assert!(refused.contains("NODE0_AUTH_TOKEN: line 2: ") && !refused.contains("s3"));
        assert!(error("ops:").contains("line 1: a token or password is empty"));
        assert!(error("# nothing\n").contains("has no secret: write a token"));
    }
}
