//! The shapes of the host's answers: section 8 of the contract, from what the agent's own actions answer.

mod checks;
mod listing;
mod packages;
pub(crate) mod system;
mod updates;
mod windows;

use crate::profile::Profile;
use crate::route::Shape;
use infiniservice_protocol::{ErrorCode, Response};
use serde_json::{Map, Value, json};

/// Data in the host's shape, and one sentence for people.
pub(crate) type Told = (Value, String);

/// The answer in its shape; of a failure only what the host wants otherwise.
pub(crate) fn lay_out(profile: &Profile, shape: &Shape, mut response: Response) -> Response {
    if !response.success {
        return failure(shape, response);
    }
    let data = std::mem::take(&mut response.data);
    let told = match shape {
        Shape::Plain | Shape::Raw => Ok((data, String::new())),
        // Whatever `run_as_admin` asks for: nobody else can be had without a password.
        Shape::Script => Ok((json!({ "ran_as": "SYSTEM" }), String::new())),
        Shape::Services => Ok(listing::services(data)),
        Shape::Service => Ok(listing::service(data)),
        Shape::Processes => Ok(listing::processes(&data)),
        Shape::Killed => Ok(listing::killed(data)),
        Shape::Packages => Ok(packages::list(data)),
        Shape::Found => Ok(packages::found(&data)),
        Shape::Package => Ok(packages::change(data, &response.command_type)),
        Shape::Users => Ok(listing::users(&data)),
        Shape::AllChecks => Ok(checks::all(&data)),
        Shape::OneCheck { all } => Ok(checks::worst(&data, *all)),
        Shape::Optimization => Ok(checks::optimization(&data, profile.measured.last())),
        Shape::Cleaned { browser } => Ok(listing::cleaned(data, *browser)),
        Shape::LinuxUpdates => updates::linux(&data, &profile.switches.os),
        Shape::WindowsUpdates => Ok(windows::updates(data)),
        Shape::History => Ok(windows::history(&data)),
        Shape::Applications => Ok(packages::applications(&data)),
        Shape::ApplicationUpdates => updates::applications(&data),
        Shape::Installed => updates::installed(data),
        Shape::Defender => windows::defender(data),
        Shape::Threats => windows::threats(data),
        Shape::Scan => Ok(windows::scan(data)),
        Shape::Joined => Ok(listing::joined(data)),
        Shape::Sealed => Ok(listing::sealed(data)),
    };
    match told {
        Ok((data, said)) => {
            response.data = data;
            response.stdout = if response.stdout.is_empty() || said.is_empty() {
                said + &response.stdout
            } else {
                format!("{said}\n{}", response.stdout)
            };
        }
        Err(why) => {
            response.success = false;
            response.error_code = Some(ErrorCode::ExecutionFailed);
            response.error = Some(why);
        }
    }
    response
}

/// Where no init system manages services there is nothing to be managed, which is no failure.
fn failure(shape: &Shape, mut response: Response) -> Response {
    if *shape == Shape::Services && response.error_code == Some(ErrorCode::Unsupported) {
        response.success = true;
        response.stdout = response.error.take().unwrap_or_default();
        response.error_code = None;
        response.data = json!([]);
    }
    response
}

/// The list in `data` of this name.
fn list(data: &Value, name: &str) -> Vec<Value> {
    data.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A member under another name as well.
fn also(item: &mut Value, from: &str, to: &str) {
    let value = item.get(from).cloned();
    if let (Some(value), Some(item)) = (value, item.as_object_mut()) {
        item.insert(to.to_owned(), value);
    }
}
