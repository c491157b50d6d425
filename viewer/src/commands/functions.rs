//! `lambdaview functions` and `lambdaview top`.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    execute,
    terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen},
};
use lambdaview_queries::{
    questions::{
        bytes::Logged,
        function::Functions,
        functions::{self, Summary},
        measures::Measures,
        silent,
    },
    window::Window,
};

use super::Desk;
use crate::{
    args::{FunctionsArgs, Output, Sort},
    ask::{Nanos, Since},
    cost::{Measured, rates::Rates, reckon},
    error::Error,
    render::{
        fields,
        functions::{self as render, Row, Silent, Style},
    },
    schedule::Schedule,
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));
const WEEK: Nanos = 7 * 24 * 3_600 * 1_000_000_000;
/// A rhythm shows in the last runs; looking at more functions than this would cost more than it tells.
const MOST_SILENT: usize = 200;

/// One look at the functions.
struct Picture {
    rows: Vec<Row>,
    silent: Vec<Silent>,
    now: Nanos,
}

impl Desk<'_> {
    /// `lambdaview functions`, and with `live` `lambdaview top`.
    ///
    /// # Errors
    /// When the server fails, or nothing is named so.
    pub async fn functions(&self, args: &FunctionsArgs, live: bool) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let functions = self.functions_of(&args.functions).await?;
        if (live || args.live) && output == Output::Pretty && io::stdout().is_terminal() {
            return self.top(args, &functions).await;
        }
        let picture = self.picture(args, &functions, self.session.opened_at()).await?;
        if picture.rows.is_empty() {
            self.say_nothing_there(self.since(DEFAULT_SINCE).1);
        }
        let all = || {
            let rows = picture.rows.iter().map(render::fields);
            rows.chain(picture.silent.iter().map(render::silent_fields)).collect::<Vec<_>>()
        };
        match output {
            Output::Json => self.write(&fields::json(&all())),
            Output::Csv => self.write(&fields::csv(&all())),
            _ => self.write(&self.drawn(&picture, self.look.columns)),
        }
    }

    /// The table again and again, in its place, until Ctrl-C.
    async fn top(&self, args: &FunctionsArgs, functions: &Functions) -> Result<(), Error> {
        let began = tokio::time::Instant::now();
        self.spinner.stop();
        let screen = Screen::enter()?;
        loop {
            let passed = i64::try_from(began.elapsed().as_nanos()).unwrap_or(i64::MAX);
            let picture = self.picture(args, functions, self.session.opened_at() + passed).await?;
            let (columns, rows) = crossterm::terminal::size()?;
            screen.show(&self.drawn(&picture, usize::from(columns)), usize::from(rows))?;
            tokio::time::sleep(args.interval.max(Duration::from_millis(200))).await;
        }
    }

    fn drawn(&self, picture: &Picture, columns: usize) -> String {
        let style =
            Style { columns, zone: self.look.zone, paint: self.paint(), ascii: self.look.ascii, now: picture.now };
        render::draw(&picture.rows, &picture.silent, style)
    }

    async fn picture(&self, args: &FunctionsArgs, functions: &Functions, now: Nanos) -> Result<Picture, Error> {
        let from = self.span.since.unwrap_or(DEFAULT_SINCE).at(now);
        let until = self.span.until.map_or(Window::since(from, now).until, |until| until.at(now));
        let window = Window { from, until };
        let summaries = functions::figures(self.session, functions, window, now).await;
        let summaries = summaries.map_err(|fault| self.fault(fault))?;
        let silent = if args.no_silent || until < now {
            Vec::new()
        } else {
            self.silent(functions, &summaries, from, now).await?
        };
        let mut rows = priced(summaries, window, now, &self.rates());
        rows.sort_by(|a, b| key(b, args.sort).total_cmp(&key(a, args.sort)));
        if args.sort == Sort::Name {
            rows.sort_by(|a, b| a.function.name.cmp(&b.function.name));
        }
        Ok(Picture { rows, silent, now })
    }

    /// The functions of the last week that are not among these.
    async fn silent(
        &self,
        functions: &Functions,
        active: &[Summary],
        from: Nanos,
        now: Nanos,
    ) -> Result<Vec<Silent>, Error> {
        let seen = match functions::seen_this_week(self.session).await.map_err(|fault| self.fault(fault))? {
            Some(seen) => seen,
            None => {
                let before = Window { from: now - WEEK, until: from };
                silent::by_services(self.session, before).await.map_err(|fault| self.fault(fault))?
            }
        };
        let asked: Vec<&str> = functions.names().collect();
        let is_asked = |name: &str| *functions == Functions::All || asked.contains(&name);
        let is_silent = |name: &str| is_asked(name) && !active.iter().any(|one| one.name == name);
        let silent: BTreeMap<String, Nanos> = seen.into_iter().filter(|(name, _)| is_silent(name)).collect();
        if silent.is_empty() {
            return Ok(Vec::new());
        }
        let looked_at = Functions::all_named(silent.keys().take(MOST_SILENT).cloned());
        let window = Window { from: now - WEEK, until: now };
        let times = functions::times(self.session, &looked_at, window).await.map_err(|fault| self.fault(fault))?;
        let told = silent.into_iter().map(|(name, day)| {
            let times = times.get(&name).map(Vec::as_slice).unwrap_or_default();
            let schedule = Schedule::of(times);
            let missed = schedule.and_then(|schedule| Some((schedule.missed(now)?, schedule.every)));
            Silent { name, last: times.last().copied().unwrap_or(day), missed }
        });
        Ok(told.collect())
    }
}

/// With what their logs would cost in CloudWatch in a month, where there are lines to tell it by.
pub(crate) fn priced(summaries: Vec<Summary>, window: Window, now: Nanos, rates: &Rates) -> Vec<Row> {
    let logged = summaries.iter().map(|one| Logged {
        name: one.name.as_str().into(),
        events: one.lines,
        body_bytes: one.log_bytes,
        invocations: one.invocations,
        first: window.from,
        last: one.last,
        ..Logged::default()
    });
    let measures = Measures { logged: logged.collect(), ..Measures::default() };
    let measured = Measured { measures, now: now.min(window.until), ..Measured::default() };
    let report = reckon(&measured, rates);
    let dollars: BTreeMap<&str, f64> = report.shares.iter().map(|share| (share.name.as_str(), share.ingest)).collect();
    let known = |one: &Summary| one.log_bytes > 0 || one.lines == 0;
    let dollars: Vec<Option<f64>> =
        summaries.iter().map(|one| dollars.get(one.name.as_str()).copied().filter(|_| known(one))).collect();
    summaries.into_iter().zip(dollars).map(|(function, dollars)| Row { function, dollars }).collect()
}

/// What a function is sorted by; unknown is last.
fn key(row: &Row, by: Sort) -> f64 {
    let Row { function, dollars } = row;
    let share = |number: Option<u64>, whole: u64| number.map_or(-1.0, |number| number as f64 / whole.max(1) as f64);
    match by {
        Sort::Inv | Sort::Name => function.invocations as f64,
        Sort::Err => share(function.failed, function.invocations),
        Sort::Cold => share(function.cold, function.invocations),
        Sort::Mem => share(function.memory_used, function.memory_size.unwrap_or(u64::MAX)),
        Sort::P50 => function.p50.unwrap_or(-1.0),
        Sort::P95 => function.p95.unwrap_or(-1.0),
        Sort::P99 => function.p99.unwrap_or(-1.0),
        Sort::Log => function.log_bytes as f64,
        Sort::Cost => dollars.unwrap_or(-1.0),
        Sort::Last => function.last as f64,
    }
}

/// The terminal's other screen; dropping it brings back what was there before.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(Self)
    }

    /// Writes over what was shown before, without a flicker.
    fn show(&self, text: &str, rows: usize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        execute!(out, MoveTo(0, 0))?;
        for line in text.lines().take(rows.saturating_sub(1)) {
            write!(out, "{line}")?;
            execute!(out, Clear(ClearType::UntilNewLine))?;
            write!(out, "\r\n")?;
        }
        execute!(out, Clear(ClearType::FromCursorDown))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that is gone.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    }
}
