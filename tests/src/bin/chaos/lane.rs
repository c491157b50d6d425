//! One function with its extension and its backend, living through its plan; what is found afterwards is for `verdict`.

use crate::{
    odd,
    plan::{Act, Character, Plan, Step},
};
use lambdaview_tests::{
    attach::towards,
    backend::{Backend, Behaviour, Kind, Store},
    function::cheap,
    lambda::{Faults, Invocation, Lambda, Settings, Shutdown, Status},
    ledger::Ledger,
    machine,
    until::GENEROUS,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::block_in_place,
};

/// The function's timeout: far beyond the longest hold, so that a slow machine does not look like a fault of ours.
const TIMEOUT: Duration = Duration::from_secs(6);
/// How long lines may take to arrive once the backend is well for good, where each must.
const PATIENCE: Duration = Duration::from_secs(45);
/// Where some were lost on the way, the rest is there when so long none has come.
const QUIET: Duration = Duration::from_secs(3);

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Until(Instant),
    Steps(usize),
}

/// What every lane of a run needs.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) limit: Limit,
    pub(crate) extension: PathBuf,
    pub(crate) progress: Arc<Progress>,
    /// Whose turn it is to end. A process has two seconds for it, and what is found in a lane of some minutes takes all of the
    /// machine for longer than that.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// Counts for who watches.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) invocations: AtomicU64,
    pub(crate) outages: AtomicU64,
    pub(crate) falls: AtomicU64,
}

/// A line that must arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// Of which invocation it is, where that is certain.
    pub(crate) request_id: Option<String>,
    pub(crate) trace_id: String,
    /// A killed process had it and the backend had not.
    pub(crate) excused: bool,
}

/// How the backend was while an invocation was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Slow or choosy, but it takes what it is sent.
    Poor,
    /// Dead, in the nth invocation since.
    Dead(u32),
}

/// How long one invocation was held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) held: Duration,
    pub(crate) ours: Duration,
    pub(crate) health: Health,
    pub(crate) behaviour: Behaviour,
}

/// Everything that is known when a lane has ended.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) lines: HashMap<String, Expected>,
    /// Spans that the extension accepted, and whether a killed process may have had them.
    pub(crate) spans: HashMap<String, bool>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) dead_outages: u64,
    pub(crate) kills: u64,
    /// Invocations that ended in a reset which the plan asked for.
    pub(crate) falls: u64,
    /// How many requests the backend had taken when a process ended before its time.
    pub(crate) ends: Vec<u64>,
    /// Invocations that ended otherwise than the plan had it.
    pub(crate) surprises: Vec<String>,
    pub(crate) store: Store,
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) shutdowns: Vec<Shutdown>,
    /// How often the platform may have repeated a line.
    pub(crate) repeated: HashMap<String, u32>,
    /// Traces of whose invocation's end the platform may have told twice.
    pub(crate) ended_twice: HashSet<String>,
    /// What the extension's processes said.
    pub(crate) said: String,
}

struct Lane {
    character: Character,
    tag: String,
    backend: Backend,
    lambda: Lambda,
    progress: Arc<Progress>,
    evidence: Evidence,
    next_line: u64,
    /// What has not been seen at the backend, as far as anybody has looked. Whoever looks keeps the backend waiting.
    unseen: Unseen,
    /// A kill whose invocation has not been seen yet.
    killed: bool,
    /// Invocations since the backend died.
    since_death: u32,
}

#[derive(Debug, Default)]
struct Unseen {
    lines: Vec<String>,
    spans: Vec<String>,
}

/// From the first step to the ledger of the last process; the next ends when the guard is dropped.
pub(crate) async fn live(character: Character, nth: usize, run: Run) -> (Character, Evidence, OwnedMutexGuard<()>) {
    let backend = if character.tls { Backend::start_with_tls().await } else { Backend::start().await };
    let lambda = Lambda::start(settings(character, &backend, &run.extension)).await.expect("the platform starts");
    let mut lane = Lane {
        character,
        tag: format!("chaos-{}-{nth}", run.seed),
        backend,
        lambda,
        progress: run.progress,
        evidence: Evidence::default(),
        next_line: 0,
        unseen: Unseen::default(),
        killed: false,
        since_death: 0,
    };
    for (done, step) in Plan::new(character, nth, run.seed).enumerate() {
        let over = match run.limit {
            Limit::Until(end) => Instant::now() >= end,
            Limit::Steps(steps) => done >= steps,
        };
        if over {
            break;
        }
        lane.step(&step).await;
    }
    let (evidence, turn) = lane.end(run.turn).await;
    (character, evidence, turn)
}

fn settings(character: Character, backend: &Backend, extension: &std::path::Path) -> Settings {
    let settings = Settings::new("chaos", cheap::program(machine::binary("chaos")))
        .memory_mb(512)
        .timeout(TIMEOUT)
        .init_timeout(GENEROUS)
        .history(20_000)
        .faults(Faults { lose_every_nth_answer: character.redelivery, ..Faults::default() })
        .variable("LAMBDAVIEW_FLUSH", character.flush);
    let settings = match character.memory_limit {
        Some(limit) => settings.variable("LAMBDAVIEW_MEMORY_LIMIT", limit),
        None => settings,
    };
    towards(settings, extension, backend, character.protocol)
}

impl Lane {
    async fn step(&mut self, step: &Step) {
        if let Some(behaviour) = step.behaviour {
            self.backend.behave(behaviour).await;
            self.since_death = 0;
            self.evidence.dead_outages += u64::from(behaviour.is_dead());
            self.progress.outages.fetch_add(u64::from(behaviour != Behaviour::Healthy), Ordering::Relaxed);
        }
        if let Some(which) = step.odd {
            self.inject(which);
        }
        let (event, bodies) = self.event(step);
        let invocation = match step.act {
            Act::Kill(after) => {
                let kill = async {
                    tokio::time::sleep(after).await;
                    self.lambda.kill_extensions();
                };
                let (invocation, ()) = tokio::join!(self.lambda.invoke(event), kill);
                self.evidence.kills += 1;
                self.killed = true;
                invocation
            }
            _ => self.lambda.invoke(event).await,
        };
        self.took_place(step, &invocation, bodies);
        tokio::time::sleep(step.pause).await;
    }

    fn inject(&mut self, which: usize) {
        let (kind, record, line) = odd::record(which, &self.tag, self.next_line);
        self.next_line += 1;
        self.unseen.lines.extend(line.clone());
        self.evidence.lines.extend(line.map(|line| (line, Expected::default())));
        self.lambda.inject(kind, record);
    }

    /// What the function is sent, and the lines that it will therefore print.
    fn event(&mut self, step: &Step) -> (Value, Vec<String>) {
        let from = self.next_line;
        self.next_line += step.lines;
        let padding = usize::try_from(step.padding).expect("small");
        let bodies = (from..self.next_line).map(|number| cheap::tagged(&self.tag, number, padding)).collect();
        let mut event = json!({
            "tag": self.tag, "from": from, "lines": step.lines, "padding": padding, "do": step.act.word(),
        });
        if step.span {
            event["span"] = json!(format!("work {from}"));
        }
        (event, bodies)
    }

    fn took_place(&mut self, step: &Step, invocation: &Invocation, bodies: Vec<String>) {
        self.progress.invocations.fetch_add(1, Ordering::Relaxed);
        let crashed = invocation.payload["errorType"] == "Extension.Crash";
        for body in bodies {
            let expected = Expected {
                request_id: Some(invocation.request_id.clone()),
                trace_id: invocation.trace_id.clone(),
                // The platform gave up on the function at once: perhaps it had printed nothing yet.
                excused: crashed,
            };
            self.unseen.lines.push(body.clone());
            self.evidence.lines.insert(body, expected);
        }
        self.span(step, invocation);
        self.judge(step, invocation, crashed);
        let behaviour = self.backend.behaviour();
        let health = match behaviour {
            Behaviour::Healthy => Health::Well,
            dead if dead.is_dead() => {
                self.since_death += 1;
                Health::Dead(self.since_death)
            }
            _ => Health::Poor,
        };
        if matches!(invocation.status, Status::Success | Status::Error) {
            let (held, ours) = (invocation.held, invocation.held_by_extensions());
            self.evidence.holds.push(Hold { held, ours, health, behaviour });
        }
    }

    fn span(&mut self, step: &Step, invocation: &Invocation) {
        if step.span && invocation.payload["span"] == true {
            let digits: String = invocation.request_id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
            let from = self.next_line - step.lines;
            let identity = format!("{}:{digits}:work {from}", invocation.trace_id);
            self.unseen.spans.push(identity.clone());
            self.evidence.spans.insert(identity, false);
        }
    }

    fn judge(&mut self, step: &Step, invocation: &Invocation, crashed: bool) {
        let wanted = match step.act {
            Act::Answer | Act::Kill(_) => Status::Success,
            Act::Error => Status::Error,
            Act::Exit => Status::Failure,
            Act::Hang => Status::Timeout,
        };
        let as_planned = invocation.status == wanted && !crashed;
        let asked_for = as_planned || (crashed && self.killed);
        if !asked_for {
            let Invocation { request_id, status, payload, .. } = invocation;
            self.evidence.surprises.push(format!("{request_id}: {:?} ended {status:?}: {payload}", step.act));
        }
        let reset = matches!(invocation.status, Status::Failure | Status::Timeout);
        if reset {
            self.evidence.falls += 1;
            self.progress.falls.fetch_add(1, Ordering::Relaxed);
        }
        let outlived = reset && self.lambda.shutdowns().last().is_some_and(|shutdown| !shutdown.killed.is_empty());
        if reset || matches!(step.act, Act::Kill(_)) {
            self.evidence.ends.push(self.backend.look(Store::requests));
        }
        if outlived || matches!(step.act, Act::Kill(_)) || crashed {
            block_in_place(|| self.excuse_what_is_not_stored());
        }
        self.killed &= !reset;
    }

    /// A process was killed: what the backend does not have now, it may have taken with it.
    fn excuse_what_is_not_stored(&mut self) {
        let Evidence { lines, spans, .. } = &mut self.evidence;
        self.backend.look(|store| {
            let stored = |body: &str| store.lines().get(body).is_some_and(|line| line.copies.kept > 0);
            lines.iter_mut().for_each(|(body, line)| line.excused |= !stored(body));
            spans.iter_mut().for_each(|(span, excused)| *excused |= !store.spans().contains_key(span));
        });
    }

    async fn end(mut self, turn: Arc<Mutex<()>>) -> (Evidence, OwnedMutexGuard<()>) {
        self.backend.behave(Behaviour::Healthy).await;
        let lossy = self.character.falls || self.character.kills || self.character.memory_limit.is_some();
        let patience = if lossy { QUIET } else { PATIENCE };
        let (mut since, mut stored) = (Instant::now(), 0);
        let quiet = Step {
            behaviour: None,
            odd: None,
            lines: 0,
            padding: 0,
            span: false,
            act: Act::Answer,
            pause: Duration::from_millis(100),
        };
        // Two at least, so that a kill has been seen and the last report has come.
        let began = Instant::now();
        for nth in 0.. {
            let seen = nth >= 2 && (!self.killed || began.elapsed() > 2 * PATIENCE);
            if seen && (since.elapsed() > patience || block_in_place(|| self.everything_is_there())) {
                break;
            }
            let now = self.backend.look(|store| store.sums(Kind::Logs).kept);
            if now > std::mem::replace(&mut stored, now) {
                since = Instant::now();
            }
            self.step(&quiet).await;
        }
        let turn = turn.lock_owned().await;
        self.lambda.stop().await;
        // Other lanes are on this thread, perhaps in the two seconds of their shutdown.
        (block_in_place(|| self.told()), turn)
    }

    /// All that is known of the life that has ended.
    fn told(self) -> Evidence {
        let mut evidence = self.evidence;
        evidence.store = self.backend.look(Clone::clone);
        evidence.said = self.lambda.extension_output();
        evidence.ledgers = Ledger::all(&evidence.said);
        evidence.shutdowns = self.lambda.shutdowns();
        for event in self.lambda.repeated() {
            evidence.ended_twice.extend(trace_of(&event.record));
            let body = match &event.record {
                Value::String(text) => text.trim_end_matches('\n').to_owned(),
                record => record["message"].as_str().or(record["msg"].as_str()).unwrap_or_default().to_owned(),
            };
            *evidence.repeated.entry(body).or_default() += 1;
        }
        evidence
    }

    /// Whether nothing can come any more, unless it was dropped.
    fn everything_is_there(&mut self) -> bool {
        let Self { backend, evidence, unseen, .. } = self;
        backend.look(|store| {
            let excused = |line: &String| evidence.lines.get(line).is_some_and(|line| line.excused);
            unseen.lines.retain(|line| !excused(line) && !store.lines().contains_key(line));
            let excused = |span: &String| evidence.spans.get(span).is_some_and(|excused| *excused);
            unseen.spans.retain(|span| !excused(span) && !store.spans().contains_key(span));
        });
        unseen.lines.is_empty() && unseen.spans.is_empty()
    }
}

/// The trace that a record of the platform names in X-Ray's form, as OpenTelemetry writes it.
fn trace_of(record: &Value) -> Option<String> {
    let header = record["tracing"]["value"].as_str()?;
    let root = header.split(';').find_map(|part| part.strip_prefix("Root=1-"))?;
    Some(root.replace('-', ""))
}
