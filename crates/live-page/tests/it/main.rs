//! The page's files, and its modules in a real Chromium.

mod access;
mod bundle;
mod cost;
mod files;
mod modules;
mod player;
mod returns;
mod screens;
mod states;
mod types;
