//! A JSON value as a request: which command, its arguments, checked against the table, and the `id` that its answer carries. The
//! texts are those that clients know.

use crate::answer;
use crate::error::{Error, quoted};
use crate::json::Json;
use crate::table::{Argument, Type};

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

/// Whether these arguments are all there, of their types, and no others.
pub fn check_arguments(wanted: &[Argument], given: &[(String, Json)]) -> Result<(), Error> {
    members(wanted, given, "")
}

fn members(wanted: &[Argument], given: &[(String, Json)], within: &str) -> Result<(), Error> {
    for argument in wanted {
        let path = format!("{within}{}", argument.name);
        match given.iter().find(|(name, _)| name == argument.name) {
            Some((_, value)) => typed(argument.of, value, &path)?,
            None if argument.optional => {}
            None => return Err(Error::generic(format!("Parameter '{path}' is missing"))),
        }
    }
    let other = given.iter().find(|(name, _)| wanted.iter().all(|argument| argument.name != name));
    other.map_or(Ok(()), |(name, _)| {
        Err(Error::generic(format!("Parameter '{within}{}' is unexpected", quoted(name))))
    })
}

fn typed(of: Type, value: &Json, path: &str) -> Result<(), Error> {
    match (of, value) {
        (Type::Int(least, most), Json::Int(value)) => within(*value, least, most, path),
        (Type::Uint, Json::Int(0..) | Json::Uint(_))
        | (Type::Text | Type::Base64, Json::Text(_))
        | (Type::Bool | Type::WordOrBool(..), Json::Bool(_))
        | (Type::WordOrInt(..), Json::Int(_)) => Ok(()),
        (Type::List(of), Json::List(values)) => each(*of, values, path),
        (Type::Object(wanted), Json::Object(given)) => members(wanted, given, &format!("{path}.")),
        (Type::Word(words) | Type::WordOrBool(_, words) | Type::WordOrInt(_, words), Json::Text(word)) => {
            one_of(words, word, path)
        }
        _ => Err(wrong_type(of, path)),
    }
}

fn each(of: Type, values: &[Json], path: &str) -> Result<(), Error> {
    values.iter().enumerate().try_for_each(|(at, value)| typed(of, value, &format!("{path}[{at}]")))
}

fn within(value: i64, least: i64, most: i64, path: &str) -> Result<(), Error> {
    let fits = (least..=most).contains(&value);
    fits.then_some(())
        .ok_or_else(|| Error::generic(format!("value '{value}' is invalid for argument {path}")))
}

fn one_of(words: &[&str], word: &str, path: &str) -> Result<(), Error> {
    let text = || format!("Parameter '{path}' does not accept value '{}'", quoted(word));
    words.contains(&word).then_some(()).ok_or_else(|| Error::generic(text()))
}

fn wrong_type(of: Type, path: &str) -> Error {
    Error::generic(format!("Invalid parameter type for '{path}', expected: {}", name_of(of)))
}

/// The protocol's name of a type.
pub fn name_of(of: Type) -> &'static str {
    match of {
        Type::Int(..) | Type::Uint => "integer",
        Type::Text | Type::Base64 | Type::Word(_) => "string",
        Type::Bool => "boolean",
        Type::List(_) => "array",
        Type::Object(_) => "object",
        Type::WordOrBool(name, _) | Type::WordOrInt(name, _) => name,
    }
}
