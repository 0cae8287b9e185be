//! Reading what the platform tells of the process.

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod silent;

#[cfg(target_os = "linux")]
pub(crate) use linux::Probe;
#[cfg(not(target_os = "linux"))]
pub(crate) use silent::Probe;
