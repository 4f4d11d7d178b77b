//! Simulated hubs of a fleet, each with a connection of its own.

use crate::Cli;
use crate::order::{OPERATOR, key};
use anyhow::{Context as _, Result};
use infiniservice_engine::{Engine, Out, Settings};
use infiniservice_fleet::message::text;
use infiniservice_fleet::{
    Ask, Command, HubPresence, Keys, Reply, Resolved, TargetResult, VmPresence, subject,
};
use infiniservice_hub_core::job::Outcome;
use infiniservice_protocol::clock::Now;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::{JoinSet, LocalSet};

/// How often a hub says that it is there, and how many results are on their way at one time: as `infinihub` does.
const HUB_EVERY: Duration = Duration::from_secs(10);
const MAX_ON_THE_WAY: usize = 256;
/// What a guest answers to the restart of a service.
const ANSWER: &str = r#"{"type":"response","success":true,"data":{"service":"nginx","state":"running","substate":"running"},"stdout":"","stderr":""}"#;

struct Hub {
    engine: Engine,
    name: String,
    vms: Vec<String>,
    keys: Rc<Keys>,
    start: Instant,
}

/// All of them, until this process is ended or one of them fails.
pub async fn all(url: &str, cli: &Cli) -> Result<()> {
    let public = key().public().to_text();
    let keys = Rc::new(Keys::new([(OPERATOR, public.as_str())]).map_err(anyhow::Error::msg)?);
    let local = LocalSet::new();
    let mut tasks = JoinSet::new();
    for n in 0..cli.hubs {
        let name = format!("host-{n:03}");
        let settings = Settings { url: url.to_owned(), name: name.clone(), ..Settings::default() };
        let vms = (0..cli.machines).map(|vm| format!("vm-{n:03}-{vm:03}")).collect();
        let keys = Rc::clone(&keys);
        tasks.spawn_local_on(
            async move {
                let engine = Engine::connect(&settings).await?;
                let hub = Hub { engine, name, vms, keys, start: Instant::now() };
                Box::pin(hub.run()).await
            },
            &local,
        );
    }
    local.run_until(async { tasks.join_next().await.context("no hub")?? }).await
}

impl Hub {
    async fn run(&self) -> Result<()> {
        self.tell_machines().await?;
        tokio::try_join!(self.presence(), self.questions(), self.commands())?;
        Ok(())
    }

    fn now(&self) -> Now {
        Now { mono: self.start.elapsed(), wall: SystemTime::now() }
    }

    async fn tell_machines(&self) -> Result<()> {
        let at_ms = self.now().wall_ms();
        let entry = |vm: &String| {
            let there = VmPresence {
                hub: self.name.clone(),
                vm: vm.clone(),
                since_ms: at_ms,
                state: "up".to_owned(),
                os: Some("debian".to_owned()),
                at_ms,
                ..VmPresence::default()
            };
            (subject::vm_key(&self.name, vm), text(&there).into_bytes())
        };
        let done = self.engine.put_all(subject::VMS, self.vms.iter().map(entry).collect()).await;
        done.into_iter().collect::<Result<(), _>>().context("machines")
    }

    async fn presence(&self) -> Result<()> {
        let count = u32::try_from(self.vms.len())?;
        let since_ms = self.now().wall_ms();
        loop {
            let presence = HubPresence {
                hub: self.name.clone(),
                since_ms,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                vms: count,
                connected: count,
                at_ms: self.now().wall_ms(),
                role: "hub".to_owned(),
                live: false,
            };
            let key = subject::hub_key(&self.name);
            self.engine.put(subject::HUBS, &key, text(&presence).into_bytes()).await?;
            tokio::time::sleep(HUB_EVERY).await;
        }
    }

    async fn questions(&self) -> Result<()> {
        let mut notes = self.engine.listen(&subject::ask(&self.name)).await?;
        while let Some(note) = notes.next().await {
            let answer = match serde_json::from_slice(&note.payload)? {
                Ask::Ping => Reply::Pong { hub: self.name.clone() },
                Ask::Resolve { order } => {
                    self.keys.open_order(&order, self.now())?;
                    Reply::Resolved(Resolved { hub: self.name.clone(), vms: self.vms.clone() })
                }
            };
            let reply = note.reply.context("nobody waits for the answer")?;
            self.engine.tell(&reply, text(&answer).into_bytes()).await?;
        }
        Ok(())
    }

    async fn commands(&self) -> Result<()> {
        let (consumer, subject) = (subject::consumer(&self.name), subject::command(&self.name));
        let mut commands = self.engine.commands(subject::COMMANDS, &consumer, &subject).await?;
        loop {
            let delivery = commands.next().await?;
            if let Command::Run { order, wave, targets, .. } = Command::read(&delivery.payload)? {
                let opened = self.keys.open_past_order(&order, self.now())?;
                for some in targets.chunks(MAX_ON_THE_WAY) {
                    let results = some.iter().map(|vm| self.result(&opened.order.id, vm, wave));
                    let done = self.engine.publish(results.collect()).await;
                    done.into_iter().collect::<Result<(), _>>().context("results")?;
                }
            }
            delivery.ack().await?;
        }
    }

    fn result(&self, job: &str, vm: &str, wave: u32) -> Out {
        let at_ms = self.now().wall_ms();
        let result = TargetResult {
            job: job.to_owned(),
            hub: self.name.clone(),
            vm: vm.to_owned(),
            outcome: Outcome::Answered,
            code: None,
            text: None,
            result: Some(ANSWER.to_owned()),
            started_at_ms: Some(at_ms),
            ended_at_ms: at_ms,
            wave,
            traceparent: None,
            coordinator: None,
        };
        Out { subject: result.subject(), id: result.id(), payload: text(&result).into_bytes() }
    }
}
