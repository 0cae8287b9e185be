//! The page's files, and its modules in a real Chromium.

mod access;
mod bundle;
mod files;
mod modules;
mod player;
mod states;
mod types;
