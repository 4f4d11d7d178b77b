//! The real agent on a pseudo-terminal, and the pages that quote it.

mod batches;
mod commands_live;
mod commands_page;
mod descriptors;
mod flags;
mod hanging;
mod infinibay;
mod inherited;
mod log_reader;
mod operations_page;
mod plugins;
mod process;
mod qga;
mod qga_beside;
mod sealed;
mod status;
mod streams;
mod symptoms;
mod terminal;
mod traces;
