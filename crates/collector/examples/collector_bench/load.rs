//! Processes that sleep and sockets that are held, for a measurement.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Sockets are spread over so many processes.
const HOLDERS: usize = 10;

/// Runs until stdin ends.
pub fn run(processes: usize, sockets: usize) -> Result<()> {
    let mut children = Vec::new();
    let started = start(processes, sockets, &mut children);
    if started.is_ok() {
        println!("ready");
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    for child in &mut children {
        let _ = child.kill();
        let _ = child.wait();
    }
    started
}

fn start(processes: usize, sockets: usize, children: &mut Vec<Child>) -> Result<()> {
    let holders = if sockets == 0 { 0 } else { HOLDERS };
    for _ in 0..holders {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["hold", &(sockets / holders).to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        children.push(command.spawn()?);
    }
    for holder in children.iter_mut() {
        let stdout = holder.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        anyhow::ensure!(line.trim() == "held", "a holder of sockets failed");
    }
    for _ in holders..processes {
        children.push(Command::new("/bin/sleep").arg("86400").stdin(Stdio::null()).spawn()?);
    }
    Ok(())
}

/// Opens a quarter of `sockets` as listeners and the rest as connections, and holds them until stdin ends.
pub fn hold(sockets: usize) -> Result<()> {
    let listeners: Vec<_> =
        (0..(sockets / 4).max(1)).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut streams = Vec::new();
    let address = listeners[0].local_addr()?;
    while listeners.len() + streams.len() < sockets {
        streams.push(TcpStream::connect(address)?);
        streams.push(listeners[0].accept()?.0);
    }
    println!("held");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
