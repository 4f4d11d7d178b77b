//! The schemas under docs/schema are those of the code. `BLESS=1 cargo test -p infiniservice-protocol` writes them anew.

use infiniservice_protocol::{ActionName, schema};
use std::path::Path;

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_code() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in schema::all() {
        let path = dir.join(name);
        let text = format!("{schema:#}\n");
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} is stale: run with BLESS=1 and commit it", path.display());
    }
}

#[test]
fn every_action_has_a_schema_of_its_data() {
    let data = schema::response_data();
    for action in ActionName::ALL {
        assert!(data["properties"][action.name()].is_object(), "{action}");
    }
}
