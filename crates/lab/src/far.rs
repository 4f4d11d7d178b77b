//! A network of its own on this machine, for programs that stand for another host: a network namespace with one cable to this
//! one (veth(4)), which can be pulled.

use crate::command;
use anyhow::{Context, Result};
use std::net::Ipv4Addr;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Length of the two hosts' common network.
const PREFIX: u32 = 30;

/// A network, which ends with this.
#[derive(Debug)]
pub struct FarHost {
    name: String,
    /// This end of the cable.
    near: String,
    address: Ipv4Addr,
}

impl FarHost {
    /// A network with a cable. It needs root.
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Networks of tests that run at the same time are not the same.
        let [.., high, low] = process::id().to_be_bytes();
        let block = u8::try_from(number % 64).unwrap_or_default() * 4;
        let address = |host: u8| Ipv4Addr::new(10, 128 | (high & 0x7f), low, block + host);
        let name = format!("far{}-{number}", process::id());
        let far = Self { near: name.clone(), address: address(1), name };
        ip(&["netns", "add", &far.name])?;
        let (name, near) = (far.name.as_str(), far.near.as_str());
        ip(&["link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        ip(&["address", "add", &format!("{}/{PREFIX}", far.address), "dev", near])?;
        ip(&["link", "set", near, "up"])?;
        ip(&["-n", name, "address", "add", &format!("{}/{PREFIX}", address(2)), "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        Ok(far)
    }

    /// This machine's address, as it is reached from there too.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// What is to stand before a command so that it runs there.
    pub fn enter(&self) -> Result<Vec<String>> {
        let ip = command::find("ip").context("ip is not installed")?;
        Ok(vec![ip.display().to_string(), "netns".into(), "exec".into(), self.name.clone()])
    }

    /// Pulls the cable: what is sent there, and from there, is lost without a word.
    pub fn pull(&self) -> Result<()> {
        ip(&["link", "set", &self.near, "down"])
    }

    /// Puts it back.
    pub fn plug(&self) -> Result<()> {
        ip(&["link", "set", &self.near, "up"])
    }
}

impl Drop for FarHost {
    fn drop(&mut self) {
        // The cable ends with the network; where neither was made, nothing is left.
        let _gone = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(args: &[&str]) -> Result<()> {
    command::run("ip", args).map(drop).with_context(|| format!("ip {}", args.join(" ")))
}
