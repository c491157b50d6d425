//! `lambdaview schema`: what can be added to the tables, adding it, taking it away.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use clickhouse::Client;
use lambdaview_queries::{
    questions::oldest,
    schema::additions::{self, Addition, Step},
    window::Window,
};

use super::{Desk, write};
use crate::{
    args::{Output, SchemaArgs, SchemaCommand},
    clock, connect,
    error::Error,
    format::plural,
    prompt,
    render::schema::{self as render, State},
    settings::{Target, usage},
};

/// Views count what is written from this long after they are asked for, so that they are there by then.
const AHEAD: Duration = Duration::from_secs(2);
/// Until then everything written before has arrived: the collector batches for five seconds.
const ARRIVAL: Duration = Duration::from_secs(10);
const DAY: i64 = 86_400 * 1_000_000_000;

/// `lambdaview schema`.
///
/// # Errors
/// When it is not wanted after all, or the server refuses.
pub async fn schema(desk: &Desk<'_>, target: &Target, args: &SchemaArgs) -> Result<(), Error> {
    match &args.command {
        SchemaCommand::Plan { sql } => plan(desk, *sql),
        SchemaCommand::Apply { additions, no_backfill, yes } => {
            let wanted = wanted(desk, additions)?;
            if wanted.is_empty() {
                return say("everything that can be added is there");
            }
            confirmed(desk, &wanted, "add", *yes)?;
            let hand = Hand { desk, client: connect::client(target)?, backfill: !no_backfill };
            for addition in wanted {
                hand.add(addition).await?;
            }
            Ok(())
        }
        SchemaCommand::Drop { additions, yes } => {
            confirmed(desk, additions, "take away", *yes)?;
            let hand = Hand { desk, client: connect::client(target)?, backfill: false };
            for addition in additions {
                hand.run_all(addition.removal(), 0, Window { from: 0, until: 0 }).await?;
                say(&format!("{} is gone", addition.as_str()))?;
            }
            Ok(())
        }
    }
}

fn plan(desk: &Desk<'_>, sql: bool) -> Result<(), Error> {
    let states = Addition::ALL.map(|addition| (addition, state(desk, addition)));
    let output = desk.output_of(&[Output::Pretty, Output::Json])?;
    match output {
        _ if sql => write(&render::statements(&states)),
        Output::Json => write(&render::json(&states)),
        _ => write(&render::plan(&states, desk.paint())),
    }
}

fn state(desk: &Desk<'_>, addition: Addition) -> State {
    let schema = desk.session.schema();
    match addition.hindrance(schema) {
        _ if addition.is_in(schema) => State::There,
        Some(why) => State::Impossible(why),
        None => State::Absent,
    }
}

/// Those that were named, or every one that is absent.
fn wanted(desk: &Desk<'_>, named: &[Addition]) -> Result<Vec<Addition>, Error> {
    let mut wanted = Vec::new();
    for addition in if named.is_empty() { &Addition::ALL[..] } else { named } {
        match state(desk, *addition) {
            State::Absent => wanted.push(*addition),
            State::Impossible(why) if !named.is_empty() => {
                return Err(usage(&format!("{} cannot be added: {why}", addition.as_str()), None));
            }
            State::There | State::Impossible(_) => {}
        }
    }
    Ok(wanted)
}

fn confirmed(desk: &Desk<'_>, additions: &[Addition], what: &str, yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let names = additions.iter().map(|addition| addition.as_str()).collect::<Vec<_>>().join(", ");
    let place = format!("database {} at {}", desk.at.database, desk.at.url);
    prompt::agreed(&format!("{what} {names}"), &place, false)
}

/// What changes the tables.
struct Hand<'a> {
    desk: &'a Desk<'a>,
    client: Client,
    backfill: bool,
}

impl Hand<'_> {
    async fn add(&self, addition: Addition) -> Result<(), Error> {
        // The server's clock is what rows are compared with; ours only counts on from there.
        let asked = clock::now();
        let now = || self.desk.session.opened_at() + (clock::now() - asked);
        let start = self.desk.session.opened_at() + i64::try_from(AHEAD.as_nanos()).expect("two seconds");
        self.run_all(addition.steps(), start, Window { from: 0, until: 0 }).await?;
        if !self.backfill {
            return say(&format!("{} is there, for what is written from now on", addition.as_str()));
        }
        match addition {
            Addition::FaasName => self.run_all(addition.backfill(), 0, Window { from: 0, until: 0 }).await?,
            Addition::Functions => {
                say("waiting until what was written before has arrived")?;
                tokio::time::sleep(AHEAD + ARRIVAL).await;
                let oldest = oldest::oldest(self.desk.session).await.map_err(|fault| self.desk.fault(fault))?;
                self.count(addition.backfill(), oldest.max(now() - 400 * DAY), start).await?;
            }
        }
        say(&format!("{} is there", addition.as_str()))
    }

    /// Counts what was written between two moments, day by day, the newest first: what is broken off has the days that matter most.
    async fn count(&self, steps: &[Step], from: i64, until: i64) -> Result<(), Error> {
        let days = u64::try_from((until - from) / DAY + 1).unwrap_or_default();
        let mut end = until;
        for day in 1..=days {
            let window = Window { from: (end - DAY).max(from), until: end };
            self.run_all(steps, 0, window).await?;
            say(&format!("counted {} of {days}", plural(day, "day")))?;
            end = window.from;
        }
        Ok(())
    }

    async fn run_all(&self, steps: &[Step], start: i64, window: Window) -> Result<(), Error> {
        for step in steps {
            additions::run(&self.client, step, start, window).await.map_err(|error| self.desk.fault(error.into()))?;
        }
        Ok(())
    }
}

fn say(text: &str) -> Result<(), Error> {
    Ok(writeln!(io::stderr(), "lambdaview: {text}")?)
}
