//! The dashboards' questions, as Grafana would ask them.

use super::packaging;
use anyhow::{Context, Result};
use serde_json::Value;

pub const DASHBOARDS: [&str; 3] = ["fleet", "machine", "hub"];

/// One dashboard.
pub fn dashboard(name: &str) -> Result<Value> {
    let path = packaging(&format!("grafana/{name}.json"));
    let text = std::fs::read_to_string(&path)?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Each panel's title and expressions, and those of the variables, with their variables filled in.
pub fn questions(dashboard: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        let title = panel["title"].as_str().unwrap_or_default();
        for target in panel["targets"].as_array().into_iter().flatten() {
            all.push((title.to_owned(), filled(target["expr"].as_str().unwrap_or_default())));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().into_iter().flatten() {
        let query = variable["query"].as_str().and_then(|query| query.strip_prefix("label_values("));
        if let Some((series, _)) = query.and_then(|query| query.rsplit_once(", ")) {
            all.push((format!("variable {}", variable["name"]), filled(series)));
        }
    }
    all
}

fn filled(expression: &str) -> String {
    expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$vm", "ill")
}

#[test]
fn every_panel_has_its_place_its_title_and_a_question() -> Result<()> {
    for name in DASHBOARDS {
        let dashboard = dashboard(name)?;
        let panels = dashboard["panels"].as_array().context("panels")?;
        let mut ids = std::collections::BTreeSet::new();
        for panel in panels {
            let title = panel["title"].as_str().unwrap_or_default();
            assert!(!title.is_empty() && ids.insert(panel["id"].as_u64()), "{name}: {title}");
            let place = &panel["gridPos"];
            let right = place["x"].as_u64().zip(place["w"].as_u64()).map(|(x, width)| x + width);
            assert!(right.is_some_and(|right| right <= 24), "{name}: {title}");
            let asks = panel["targets"].as_array().is_some_and(|targets| !targets.is_empty());
            assert!(asks || panel["type"] == "row", "{name}: {title}");
        }
        assert!(questions(&dashboard).iter().all(|(_, question)| !question.contains('$')), "{name}");
        assert_eq!(dashboard["uid"], format!("infinihub-{name}"));
    }
    Ok(())
}
