//! Several hubs over the real server of NATS: three hosts in one test, each with a hub of its own and simulated guests.

mod exporter;
mod faults;
mod hostile;
mod many;
mod servers;
mod slow;
mod support;
mod tags;
mod traces;
mod waves;
