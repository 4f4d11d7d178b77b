//! A JSON value as a request: which command, its arguments, and the `id` that its answer carries.

use crate::answer;
use crate::error::{Error, quoted};
use crate::json::Json;

/// A request whose command and arguments nobody has looked at.
#[derive(Debug)]
pub struct Envelope {
    pub name: String,
    pub arguments: Vec<(String, Json)>,
    pub id: Option<Json>,
}

/// A value that is no request, and the `id` for the error.
#[derive(Debug)]
pub struct NoRequest {
    pub error: Error,
    pub id: Option<Json>,
}

/// Opens the envelope.
pub fn open(value: Json) -> Result<Envelope, NoRequest> {
    let Json::Object(mut members) = value else {
        return Err(NoRequest { error: Error::generic("QMP input must be a JSON object"), id: None });
    };
    let at = members.iter().position(|(name, _)| name == "id");
    let id = at.map(|at| members.swap_remove(at).1);
    if id.as_ref().is_some_and(|id| !answer::fits(id)) {
        return Err(NoRequest { error: Error::generic("QMP input member 'id' is too long"), id: None });
    }
    match read(members) {
        Ok((name, arguments)) => Ok(Envelope { name, arguments, id }),
        Err(error) => Err(NoRequest { error, id }),
    }
}

fn read(members: Vec<(String, Json)>) -> Result<(String, Vec<(String, Json)>), Error> {
    let (mut execute, mut arguments) = (None, Vec::new());
    for (name, value) in members {
        match (name.as_str(), value) {
            ("execute", Json::Text(command)) => execute = Some(command),
            ("execute", _) => return Err(Error::generic("QMP input member 'execute' must be a string")),
            ("arguments", Json::Object(given)) => arguments = given,
            ("arguments", _) => return Err(Error::generic("QMP input member 'arguments' must be an object")),
            (other, _) => {
                let text = format!("QMP input member '{}' is unexpected", quoted(other));
                return Err(Error::generic(text));
            }
        }
    }
    let execute = execute.ok_or_else(|| Error::generic("QMP input lacks member 'execute'"))?;
    Ok((execute, arguments))
}
