//! Requests one by one: what waits, what is refused, what the session answers itself, and what is handed on.

use super::{Item, Running, Session};
use crate::answer;
use crate::envelope::{self, Envelope};
use crate::error::Error;
use crate::event::{Action, Token};
use crate::freeze::FreezeState;
use crate::json::Json;
use crate::limits::{MAX_ANSWER_BYTES, MAX_DETACHED_COMMANDS};
use crate::policy::guest_info;
use crate::reply::Reply;
use crate::request::Request;
use crate::table::{Kind, Row};

/// The syncs; a client has them by these names only.
const SYNCS: [&str; 2] = ["guest-sync", "guest-sync-delimited"];

impl Session {
    /// Serves the first request that waits, if nothing holds it up; whether it did.
    pub(super) fn serve(&mut self, actions: &mut Vec<Action>) -> bool {
        if self.running.is_some() || self.queue.front().is_none_or(|item| self.is_held_up(item)) {
            return false;
        }
        let Some(item) = self.queue.pop_front() else { return false };
        self.queued_bytes -= item.bytes;
        match item.request {
            Ok(request) => self.request(request, actions),
            Err(refusal) => self.outbox.push(answer::failure(&refusal.error, refusal.id.as_ref())),
        }
        true
    }

    /// Where the first sync of those that wait stands.
    pub(super) fn first_sync(&self) -> Option<usize> {
        self.queue.iter().position(is_sync)
    }

    /// The command that runs, and the first `count` of those that wait, are for nobody any more.
    pub(super) fn overtake(&mut self, count: usize) {
        for item in self.queue.drain(..count) {
            self.queued_bytes -= item.bytes;
            self.stats.overtaken += 1;
        }
        if let Some(running) = self.running.take() {
            self.stats.overtaken += 1;
            self.detached.push(running);
        }
    }

    /// A command's end.
    pub(super) fn finished(&mut self, token: Token, result: Result<Reply, Error>) {
        if let Some(running) = self.running.take_if(|running| running.token == token) {
            if result.is_err() || running.row.success_response {
                self.answer(result, running.id.as_ref());
            }
        } else if let Some(at) = self.detached.iter().position(|running| running.token == token) {
            self.detached.swap_remove(at);
            self.stats.answers_dropped += 1;
        }
    }

    /// Two commands that change the system never overlap, answers go out before a command that may leave no time for it, and
    /// the status waits for the freeze or thaw that is under way.
    fn is_held_up(&self, item: &Item) -> bool {
        let Some(row) = item.request.as_ref().ok().and_then(|request| self.allowed(&request.name)) else {
            return false;
        };
        if row.name == "guest-fsfreeze-status" {
            let moving = matches!(self.freeze, FreezeState::Freezing | FreezeState::Thawing);
            return moving || self.detached.iter().any(|running| running.row.kind == Kind::Freeze);
        }
        let flushes = !row.success_response && !self.outbox.is_empty();
        flushes || self.detached.iter().any(|running| excludes(running.row.kind, row.kind))
    }

    fn allowed(&self, name: &str) -> Option<&'static Row> {
        self.policy.find(name).filter(|row| self.policy.is_on(row) && self.is_allowed_now(row))
    }

    fn is_allowed_now(&self, row: &Row) -> bool {
        row.while_frozen || !self.freeze.holds_writes()
    }

    fn request(&mut self, request: Envelope, actions: &mut Vec<Action>) {
        let Envelope { name, arguments, id } = request;
        let begun = self.begin(&name, arguments, id.as_ref(), actions);
        match begun {
            Ok(Some(running)) => self.running = Some(Running { id, ..running }),
            Ok(None) => {}
            Err(error) => self.outbox.push(answer::failure(&error, id.as_ref())),
        }
    }

    /// Answers, or hands the command on.
    fn begin(
        &mut self,
        name: &str,
        arguments: Vec<(String, Json)>,
        id: Option<&Json>,
        actions: &mut Vec<Action>,
    ) -> Result<Option<Running>, Error> {
        let row = self.admit(name, actions)?;
        envelope::check_arguments(row.arguments, &arguments)?;
        if row.kind == Kind::Session {
            self.own(row, &arguments, id);
            return Ok(None);
        }
        let request = Request::read(name, !row.arguments.is_empty(), arguments)?;
        if self.detached.len() >= MAX_DETACHED_COMMANDS && row.kind != Kind::Freeze {
            return Err(Error::generic("too many earlier commands have not ended"));
        }
        let token = Token(self.next_token);
        self.next_token += 1;
        self.stats.executed += 1;
        actions.push(Action::Execute { token, row, request });
        Ok(Some(Running { token, row, id: None }))
    }

    fn admit(&mut self, name: &str, actions: &mut Vec<Action>) -> Result<&'static Row, Error> {
        let row = self.policy.find(name).ok_or_else(|| Error::not_found(name))?;
        let on = self.policy.is_on(row);
        if on && self.is_allowed_now(row) {
            return Ok(row);
        }
        self.stats.refused += 1;
        if !on {
            actions.push(Action::Refused(row));
        }
        Err(Error::disabled(row.name))
    }

    /// What the session knows by itself.
    fn own(&mut self, row: &Row, arguments: &[(String, Json)], id: Option<&Json>) {
        let reply = match row.name {
            "guest-info" => Reply::Info(guest_info(&self.policy, self.freeze)),
            "guest-fsfreeze-status" => Reply::FreezeStatus(self.freeze.status()),
            name if SYNCS.contains(&name) => return self.sync(row, arguments, id),
            _ => Reply::EMPTY,
        };
        self.answer(Ok(reply), id);
    }

    fn sync(&mut self, row: &Row, arguments: &[(String, Json)], id: Option<&Json>) {
        self.stats.syncs += 1;
        let number = arguments.iter().find(|(name, _)| name == "id").map(|(_, value)| value);
        let line = answer::success(number.unwrap_or(&Json::Null), id).unwrap_or_default();
        let delimited = row.name == "guest-sync-delimited";
        self.outbox.push(if delimited { answer::delimited(line) } else { line });
    }

    fn answer(&mut self, result: Result<Reply, Error>, id: Option<&Json>) {
        let line = result.map(|reply| answer::success(&reply, id));
        self.outbox.push(match line {
            Ok(Ok(line)) => line,
            Ok(Err(bytes)) => {
                self.stats.answers_too_long += 1;
                let text =
                    format!("the answer has {bytes} bytes, and clients take {MAX_ANSWER_BYTES} at most");
                answer::failure(&Error::generic(text), id)
            }
            Err(error) => answer::failure(&error, id),
        });
    }
}

/// A sync that will be answered. One with a wrong `id` ends no generation.
fn is_sync(item: &Item) -> bool {
    item.request.as_ref().is_ok_and(|request| {
        let row = SYNCS.iter().find(|name| **name == request.name).and_then(|name| crate::table::find(name));
        row.is_some_and(|row| envelope::check_arguments(row.arguments, &request.arguments).is_ok())
    })
}

/// Whether the second must not begin while the first runs.
fn excludes(running: Kind, next: Kind) -> bool {
    let changes = |kind| matches!(kind, Kind::Change | Kind::Power | Kind::Freeze | Kind::Credential);
    (changes(running) && changes(next)) || (running == Kind::File && next == Kind::File)
}
