//! The limit of the system on open files, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors that the demo needs beside its connections: files, pools, threads.
const OWN_DESCRIPTORS: u64 = 128;

/// Raises the limit as far as so many connections need and the system allows, and warns if that is
/// not enough.
pub(crate) fn allow(connections: usize) {
    let needed = connections as u64 + OWN_DESCRIPTORS;
    // `None` means that there is no limit.
    let Rlimit { current: Some(current), maximum } = getrlimit(Resource::Nofile) else { return };
    if current >= needed {
        return;
    }
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed)).max(current);
    let is_set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).is_ok();
    let limit = if is_set { raised } else { current };
    if limit < needed {
        tracing::warn!(
            limit,
            needed,
            "the limit on open files is too low for all streams: raise it (ulimit -n), or lower \
             --stream-max-clients"
        );
    }
}
