//! The agent from outside: its library, its program, its scripts, and the rules of its repository.

mod command_line;
#[cfg(target_os = "linux")]
mod install_script;
mod layers;
#[cfg(target_os = "linux")]
mod package_qga;
#[cfg(target_os = "linux")]
mod package_scripts;
mod paths;
mod repository;
mod rooms;
#[cfg(target_os = "linux")]
mod secret;
mod security;
mod support;
