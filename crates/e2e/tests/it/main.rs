//! The real agent on a pseudo-terminal, and the pages that quote it.

mod batches;
mod bulk;
mod commands_live;
mod commands_page;
mod compression;
mod descriptors;
mod flags;
mod hanging;
mod infinibay;
mod inherited;
mod live_config;
mod log_reader;
mod operations_page;
mod otlp;
mod plugins;
mod process;
mod prometheus;
mod qga;
mod qga_beside;
mod sealed;
mod status;
mod streams;
mod symptoms;
mod terminal;
mod traces;
