//! The wire as hosts see it: golden bytes, properties, schema, and what docs/protocol.md says.

mod compression;
mod docs;
mod golden;
mod properties;
mod samples;
mod schema;
mod validate;
