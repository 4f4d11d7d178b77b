//! `docs/openapi.json`, made of the types of the documents. `UPDATE_GENERATED=1 cargo test -p infinihub --lib openapi` writes it
//! anew; the tests in `tests/it` hold it against a real hub.

use super::shapes::{EventList, Gap, Machine, Problem, WholeMachine};
use infiniservice_hub_core::job::{Request, show};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What an answer holds.
enum Content {
    Json(Schema),
    Other(&'static str),
}

/// One request that the API takes.
struct Route {
    path: &'static str,
    method: &'static str,
    id: &'static str,
    summary: &'static str,
    query: &'static [(&'static str, &'static str)],
    body: Option<Schema>,
    status: &'static str,
    answers: Vec<Content>,
    /// The statuses of refusals.
    refusals: &'static [&'static str],
}

const ANSWER: &str = "The guest's answer, or the hub's refusal in the same form: docs/schema/guest.json.";
const MESSAGE: &str =
    "A message of the wire that has an `id` (one is made where it has none): docs/schema/host.json.";

#[allow(clippy::too_many_lines, reason = "a table: one request after the other")]
fn routes(types: &mut SchemaGenerator) -> Vec<Route> {
    let mut of = Types(types);
    let get = |path, id, summary, answers| Route {
        path,
        method: "get",
        id,
        summary,
        query: &[],
        body: None,
        status: "200",
        answers,
        refusals: &[],
    };
    let post = |path, id, summary, body, status, answer| Route {
        method: "post",
        body,
        status,
        ..get(path, id, summary, vec![answer])
    };
    let text = || Content::Other("text/plain");
    let stream = || Content::Other("text/event-stream");
    vec![
        get("/healthz", "health", "Whether the hub serves", vec![text()]),
        Route {
            query: &[
                ("select", "a selector of machines"),
                ("vm", "one machine"),
                ("names", "`infini`, or with `vm` `node`: the names of node_exporter or windows_exporter"),
                ("all", "`interfaces`, `filesystems` or both: what is left out otherwise"),
            ],
            refusals: &["400", "404", "503"],
            ..get("/metrics", "metrics", "The figures, for Prometheus", vec![text()])
        },
        get(
            "/v1/openapi.json",
            "description",
            "This document",
            vec![Content::Json(free("An OpenAPI 3.1 document."))],
        ),
        Route {
            query: &[("select", "a selector; all machines without one")],
            refusals: &["400"],
            ..get(
                "/v1/vms",
                "machines",
                "The machines; as events for as long as somebody reads",
                vec![of.json::<Vec<Machine<'_>>>(), stream()],
            )
        },
        Route {
            refusals: &["404"],
            ..get("/v1/vms/{vm}", "machine", "One machine", vec![of.json::<WholeMachine<'_>>()])
        },
        Route {
            refusals: &["404"],
            ..get(
                "/v1/vms/{vm}/lists/{list}",
                "list",
                "`processes`, `ports`, `services` or `plugins`, as the guest sent them",
                vec![of.json::<Vec<Value>>()],
            )
        },
        Route {
            query: &[("wait", "how long an answer is waited for, in seconds, 1 to 7200; 120 without it")],
            refusals: &["400", "403", "404", "409", "429", "502", "504"],
            ..post(
                "/v1/vms/{vm}/commands",
                "command",
                "Sends a message to a machine and waits for its answer",
                Some(free(MESSAGE)),
                "200",
                Content::Json(free(ANSWER)),
            )
        },
        Route {
            status: "101",
            refusals: &["403", "404", "426", "429"],
            ..get("/v1/vms/{vm}/wire", "wire", "The machine's wire, with `Upgrade: infini-wire`", vec![])
        },
        Route {
            query: &[
                ("after", "a number, or an id `INSTANCE-NUMBER`: what happened after it, the oldest first"),
                ("last", "without `after`: so many of the newest, 1 to 1000; 1000 without it"),
            ],
            refusals: &["400"],
            ..get(
                "/v1/events",
                "events",
                "What happened; as events for as long as somebody reads, after `Last-Event-ID`",
                vec![of.json::<EventList<'_>>(), stream()],
            )
        },
        Route {
            refusals: &["403"],
            ..get(
                "/v1/jobs",
                "jobs",
                "The jobs, the newest first, long messages cut",
                vec![of.json::<Vec<show::Summary>>()],
            )
        },
        Route {
            refusals: &["400", "403", "409", "503"],
            ..post(
                "/v1/jobs",
                "start",
                "Starts a job; answered once it cannot be lost",
                Some(of.schema::<Request>()),
                "202",
                of.json::<show::Summary>(),
            )
        },
        Route {
            query: &[("results", "`true` for the guests' answers, too")],
            refusals: &["403", "404"],
            ..get("/v1/jobs/{id}", "job", "One job with its machines", vec![of.json::<show::Whole>()])
        },
        Route {
            refusals: &["403", "404"],
            ..post("/v1/jobs/{id}/cancel", "cancel", "Ends a job", None, "202", of.json::<show::Summary>())
        },
    ]
}

struct Types<'a>(&'a mut SchemaGenerator);

impl Types<'_> {
    fn schema<T: JsonSchema>(&mut self) -> Schema {
        self.0.subschema_for::<T>()
    }

    fn json<T: JsonSchema>(&mut self) -> Content {
        Content::Json(self.schema::<T>())
    }
}

/// An object that is described elsewhere.
fn free(description: &str) -> Schema {
    schemars::json_schema!({ "type": "object", "description": description })
}

fn operation(route: &Route) -> Value {
    let names = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let parameter = |place: &str, name: &str, text: Option<&str>| {
        json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" },
            "description": text.unwrap_or("its name, percent-encoded") })
    };
    let path = names.map(|name| parameter("path", name, None));
    let query = route.query.iter().map(|(name, text)| parameter("query", name, Some(text)));
    let mut responses = Map::from_iter([(route.status.to_owned(), answer(&route.answers))]);
    let problem = json!({ "description": "A refusal", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    responses.extend(route.refusals.iter().map(|status| ((*status).to_owned(), problem.clone())));
    let mut operation = json!({ "operationId": route.id, "summary": route.summary,
        "parameters": path.chain(query).collect::<Value>(), "responses": responses });
    if let Some(body) = &route.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": body } } });
    }
    operation
}

fn answer(answers: &[Content]) -> Value {
    let content = answers.iter().map(|content| match content {
        Content::Json(schema) => ("application/json".to_owned(), json!({ "schema": schema })),
        Content::Other(kind) => ((*kind).to_owned(), json!({ "schema": { "type": "string" } })),
    });
    json!({ "description": "Done", "content": content.collect::<Map<_, _>>() })
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|it| it.definitions_path = "/components/schemas".into());
    let mut types = settings.into_generator();
    let mut paths = Map::new();
    for route in routes(&mut types) {
        let at = paths.entry(route.path).or_insert_with(|| json!({}));
        at[route.method] = operation(&route);
    }
    types.subschema_for::<Problem<'_>>();
    types.subschema_for::<Gap>();
    let schemas = types.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "infinihub", "version": env!("CARGO_PKG_VERSION"),
            "description": "The host's daemon for all machines (docs/hub.md): on its Unix socket, and on TCP for clients with certificates. On plain TCP (`listen`) only what is read without a word about who asks." },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

#[test]
fn the_description_in_docs_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let text = format!("{:#}\n", document());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "docs/openapi.json is stale: run with UPDATE_GENERATED=1 and commit it");
}
