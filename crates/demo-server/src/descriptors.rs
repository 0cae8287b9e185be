//! The limit of the system on open files, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as so many connections need and the system allows, and warns if that is
/// not enough.
pub(crate) fn allow(connections: usize) {
    // The server leaves a quarter of the descriptors to files, pools and threads.
    let needed = connections as u64 / 3 * 4 + 4;
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
