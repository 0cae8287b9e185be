//! The page's files, and its modules in a real Chromium.

mod files;
mod modules;
mod states;
