//! What happens to lines on their way to the reader: they are put in order, marked when late, chosen with their neighbours,
//! drawn and counted. What is to be said beside them goes to stderr.

use std::{
    collections::HashSet,
    io::{self, Write},
    time::Duration,
};

use lambdaview_queries::{
    filter::Filter,
    questions::{Text, invocations::Invocation, lines::Line},
};

use super::{
    context::{Around, Context, Found},
    ending::{Ending, Stops},
    follow::{Audience, Note},
    group::{Group, Piece},
    noise::Noise,
    outlet::Outlet,
    reorder::Reorder,
};
use crate::{
    args::{Output, Platform},
    ask::Nanos,
    error::Error,
    format::{count, inert, plural},
    progress::Spinner,
    render::{
        block::{self, Frame},
        line::{Drawer, LineStyle, Place},
        style::Role,
    },
};

/// What is to be done with lines.
#[derive(Debug, Default)]
pub struct Steps {
    /// The form in which they are printed.
    pub output: Output,
    /// How they are drawn.
    pub style: LineStyle,
    /// What stands out in them.
    pub marks: Vec<lambdaview_queries::filter::Pattern>,
    /// What is sought here, with its neighbours, because the server was asked for more.
    pub around: Option<(Around, Filter)>,
    /// Which of Lambda's own lines are shown.
    pub platform: Platform,
    /// How long they are held to be put in order.
    pub reorder: Duration,
    /// What ends it all.
    pub stops: Stops,
    /// Whether lines stand by invocation, in which frame.
    pub group: Option<Frame>,
    /// What turns until there is something to see.
    pub spinner: Option<Spinner>,
    /// Whether a pattern that drowns the others is told of.
    pub alarm: bool,
    /// Whether stderr keeps to errors.
    pub quiet: bool,
    /// Whether stderr says more.
    pub verbose: bool,
}

/// A line on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passing {
    pub(super) line: Line,
    /// By how much it missed its place.
    pub(super) late: Option<u64>,
}

/// What was printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub rows: u64,
    /// Those of them that came after newer ones.
    pub late: u64,
    /// How often the server was lost and found again.
    pub reconnects: u64,
    /// How lines are followed.
    pub mode: Option<&'static str>,
    /// Whether lines that were there were left out, because there were too many.
    pub truncated: bool,
}

/// The way of lines to the reader.
pub struct Pipeline {
    platform: Platform,
    reorder: Option<Reorder>,
    lateness: Lateness,
    context: Option<Context>,
    group: Option<(Group, Frame)>,
    now: Nanos,
    spinner: Option<Spinner>,
    drawer: Drawer,
    parted: bool,
    ending: Ending,
    noise: Option<Noise>,
    functions: HashSet<Text>,
    tally: Tally,
    outlet: Outlet,
    chatter: Box<dyn Write>,
    quiet: bool,
    verbose: bool,
}

impl Pipeline {
    /// One that ends in `outlet`; what is to be said beside the lines goes to `chatter`.
    #[must_use]
    pub fn new(steps: Steps, mut outlet: Outlet, chatter: Box<dyn Write>) -> Self {
        let drawer = Drawer::new(steps.output, steps.style, steps.marks);
        outlet.push(drawer.heading().as_bytes());
        let hold = i64::try_from(steps.reorder.as_nanos()).unwrap_or(i64::MAX);
        Self {
            platform: steps.platform,
            reorder: (hold > 0).then(|| Reorder::new(hold)),
            lateness: Lateness::default(),
            context: steps.around.map(|(around, sought)| Context::new(around, sought)),
            group: steps.group.map(|frame| (Group::default(), frame)),
            now: steps.style.now,
            spinner: steps.spinner,
            drawer,
            parted: matches!(steps.output, Output::Pretty | Output::Short | Output::Raw),
            ending: Ending::new(steps.stops),
            noise: steps.alarm.then(Noise::default),
            functions: HashSet::new(),
            tally: Tally::default(),
            outlet,
            chatter,
            quiet: steps.quiet,
            verbose: steps.verbose,
        }
    }

    /// What was printed so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Prints what was still held, and waits until the reader has it all.
    ///
    /// # Errors
    /// When nobody reads on; else what it all comes to: see [`Ending::verdict`].
    pub async fn finish(mut self, account: bool) -> Result<(), Error> {
        if let Some(mut reorder) = self.reorder.take() {
            reorder.rest().into_iter().for_each(|line| self.arrived(line));
        }
        self.give(Group::rest);
        if account {
            self.account();
        }
        self.outlet.finish().await?;
        self.ending.verdict()
    }

    fn account(&mut self) {
        let Tally { rows, late, reconnects, mode, .. } = self.tally;
        let mut said = format!("{}, {} late", plural(rows, "row"), count(late));
        if let Some(cut) = self.context.as_ref().map(Context::cut).filter(|cut| *cut > 0) {
            said.push_str(&format!(", {} let go before their invocation was sought", count(cut)));
        }
        if reconnects > 0 {
            said.push_str(&format!(", {}", plural(reconnects, "reconnect")));
        }
        if let Some(mode) = mode {
            said.push_str(&format!("; followed {mode}"));
        }
        self.say(&said);
    }

    /// A line whose turn it is.
    fn arrived(&mut self, line: Line) {
        let late = self.lateness.of(line.time);
        self.choose(Passing { line, late });
    }

    fn choose(&mut self, passing: Passing) {
        if !self.platform.shows(&passing.line) {
            return;
        }
        match &mut self.context {
            None => self.place(passing, false),
            Some(context) => {
                for found in context.push(passing) {
                    match found {
                        Found::Sought(line) => self.place(line, false),
                        Found::Near(line) => self.place(line, true),
                        Found::Gap if self.parted => self.outlet.push(b"--\n"),
                        Found::Gap => {}
                    }
                }
            }
        }
    }

    /// Prints a line, or keeps it for its invocation.
    fn place(&mut self, passing: Passing, context: bool) {
        let now = self.now;
        match &mut self.group {
            None => self.print(&passing, context, ""),
            Some((group, _)) => {
                let (alone, is_full) = (group.push(passing, now), group.is_full());
                if let Some(alone) = alone {
                    self.print(&alone, context, "");
                }
                if is_full {
                    self.give(Group::due);
                }
            }
        }
    }

    /// Prints what a group gives.
    fn give(&mut self, which: impl FnOnce(&mut Group, Nanos) -> Vec<Piece>) {
        let now = self.now;
        let Some((group, frame)) = &mut self.group else { return };
        let (pieces, frame) = (which(group, now), *frame);
        for piece in pieces {
            self.piece(&piece, frame);
        }
    }

    fn piece(&mut self, piece: &Piece, frame: Frame) {
        let rule = match piece {
            Piece::Line(passing) => return self.print(passing, false, frame.side),
            Piece::Head { first, known, again } => {
                let sign = if *again { frame.again } else { frame.head };
                let line = &first.line;
                let time = known.as_ref().filter(|_| !again).map_or(line.time, |known| known.start.min(line.time));
                (
                    time,
                    &*line.function,
                    Role::Faint,
                    format!("{sign}{}", block::head(&line.invocation_id, known.as_deref())),
                )
            }
            Piece::Foot { known, awaits } => {
                let said = format!("{}{}", frame.foot, block::foot(known, *awaits));
                (ended(known), known.function.as_str(), block::role(known), said)
            }
            Piece::Filled(known) => {
                let said = format!("{}{}", frame.foot, block::filled(known));
                (ended(known), known.function.as_str(), Role::Faint, said)
            }
        };
        if !self.ending.is_done() {
            let (time, function, role, said) = rule;
            self.outlet.push(self.drawer.rule(time, function, role, &said));
        }
    }

    fn print(&mut self, passing: &Passing, context: bool, side: &str) {
        if self.ending.is_done() {
            return;
        }
        let Passing { line, late } = passing;
        self.tally.rows += 1;
        self.tally.late += u64::from(late.is_some());
        let place = Place { late: *late, context };
        let drawn = if side.is_empty() { self.drawer.draw(line, place) } else { self.drawer.framed(line, place, side) };
        self.outlet.push(drawn);
        self.ending.saw(line);
        if let Some(alarm) = self.noise.as_mut().and_then(|noise| noise.hear(line)) {
            self.say(&alarm);
        }
    }
}

/// When an invocation ended, as far as that is known.
fn ended(known: &Invocation) -> Nanos {
    known.start.saturating_add(known.duration.and_then(|took| i64::try_from(took).ok()).unwrap_or_default())
}

impl Audience for Pipeline {
    fn history(&mut self, line: Line) {
        self.lateness.latest = self.lateness.latest.max(line.time);
        self.functions.insert(line.function.clone());
        self.choose(Passing { line, late: None });
    }

    fn arrival(&mut self, line: Line, now: Nanos) {
        if !self.functions.contains(&line.function) {
            self.say_more(&format!("first line of {}", inert(&line.function)));
            self.functions.insert(line.function.clone());
        }
        self.now = now;
        match &mut self.reorder {
            None => self.arrived(line),
            Some(reorder) => reorder.push(line, now),
        }
    }

    fn end_of_look(&mut self, now: Nanos) {
        let due = self.reorder.as_mut().map(|reorder| reorder.due(now)).unwrap_or_default();
        due.into_iter().for_each(|line| self.arrived(line));
        self.now = now;
        self.give(Group::due);
        self.lateness.end_of_look();
        self.drawer.set_now(now);
    }

    fn seek_from(&mut self, time: Nanos) {
        if let Some(context) = &mut self.context {
            context.seek_from(time);
        }
    }

    fn unknown_since(&self) -> Option<Nanos> {
        self.group.as_ref().and_then(|(group, _)| group.unknown_since())
    }

    fn learn(&mut self, invocation: Invocation) {
        self.give(|group, _| group.learn(invocation).into_iter().collect());
    }

    fn is_full(&self) -> bool {
        self.outlet.is_full()
    }

    fn is_done(&self) -> bool {
        self.ending.is_done()
    }

    fn rows(&self) -> u64 {
        self.tally.rows
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Mode(mode) => self.tally.mode = Some(mode),
            Note::Reconnected => self.tally.reconnects += 1,
            Note::Truncated => self.tally.truncated = true,
        }
    }

    fn say(&mut self, what: &str) {
        self.spinner.iter().for_each(Spinner::clear);
        if !self.quiet {
            // Nobody may be listening on stderr, which is no reason to stop.
            let _ = writeln!(self.chatter, "lambdaview: {what}");
        }
    }

    fn say_more(&mut self, what: &str) {
        if self.verbose {
            self.say(what);
        }
    }

    async fn drain(&mut self) -> io::Result<()> {
        if let Some(spinner) = self.spinner.take_if(|_| !self.outlet.is_empty()) {
            spinner.stop();
        }
        self.outlet.drain().await
    }
}

/// Lines out of order by less than this are not called late: they come from environments side by side.
const TOLERANCE: Nanos = 100_000_000;

/// Tells which lines come after newer ones.
#[derive(Debug, Default)]
struct Lateness {
    /// The newest line of earlier looks: what comes before it now is late.
    newest: Nanos,
    /// The newest line of all.
    latest: Nanos,
}

impl Lateness {
    fn of(&mut self, time: Nanos) -> Option<u64> {
        self.latest = self.latest.max(time);
        let late = self.newest.saturating_sub(time);
        (self.newest > 0 && late >= TOLERANCE).then_some(late.unsigned_abs())
    }

    const fn end_of_look(&mut self) {
        self.newest = self.latest;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn line(time: Nanos) -> Line {
        Line { time: time * 1_000_000_000, body: time.to_string().as_str().into(), ..Line::default() }
    }

    /// What is printed when these are history, and those arrive, a look each.
    async fn printed(steps: Steps, history: &[Nanos], looks: &[&[Nanos]]) -> (String, String) {
        let (page, chatter) = (Page::default(), Page::default());
        let outlet = Outlet::new(page.clone()).unwrap();
        let mut pipeline = Pipeline::new(steps, outlet, Box::new(chatter.clone()));
        history.iter().for_each(|time| pipeline.history(line(*time)));
        pipeline.end_of_look(0);
        for (now, look) in (1..).zip(looks) {
            look.iter().for_each(|time| pipeline.arrival(line(*time), now));
            pipeline.end_of_look(now);
        }
        pipeline.finish(true).await.unwrap();
        (page.text(), chatter.text())
    }

    fn logfmt() -> Steps {
        Steps { output: Output::Logfmt, ..Steps::default() }
    }

    fn lateness(text: &str) -> Vec<bool> {
        text.lines().map(|line| line.contains("late_ms")).collect()
    }

    #[tokio::test]
    async fn a_line_older_than_what_was_printed_before_is_late() {
        let (text, said) = printed(logfmt(), &[10], &[&[7, 11]]).await;
        assert_eq!(lateness(&text), [false, true, false]);
        assert_eq!(said, "lambdaview: 3 rows, 1 late\n");
    }

    #[tokio::test]
    async fn lines_of_one_look_are_in_order_and_never_late_against_each_other() {
        let (text, _) = printed(logfmt(), &[], &[&[5, 1]]).await;
        assert_eq!(lateness(&text), [false, false]);
    }

    #[tokio::test]
    async fn lines_that_are_held_come_out_in_order_and_are_not_late() {
        let steps = Steps { output: Output::Raw, reorder: Duration::from_nanos(1), ..Steps::default() };
        let (text, said) = printed(steps, &[1], &[&[5], &[3, 4], &[7], &[6]]).await;
        assert_eq!(text, "1\n3\n4\n5\n6\n7\n");
        assert_eq!(said, "lambdaview: 6 rows, 0 late\n");
    }

    #[tokio::test]
    async fn nothing_is_printed_after_the_last_line_that_is_wanted() {
        let stops = Stops { max_lines: Some(2), ..Stops::default() };
        let (text, _) = printed(Steps { output: Output::Raw, stops, ..Steps::default() }, &[1], &[&[2, 3]]).await;
        assert_eq!(text, "1\n2\n");
    }

    #[tokio::test]
    async fn neighbours_are_marked_and_gaps_are_drawn() {
        let sought = Filter::body(lambdaview_queries::filter::Test::Equals("3".to_owned()));
        let around = Some((Around::Lines { before: 1, after: 1 }, sought));
        let (text, _) =
            printed(Steps { output: Output::Json, around, ..Steps::default() }, &[1, 2, 3], &[&[4, 5]]).await;
        let bodies: Vec<_> =
            text.lines().map(|line| (line.contains("\"body\":\"3\""), line.contains("\"context\":true"))).collect();
        assert_eq!(bodies, [(false, true), (true, false), (false, true)]);
    }

    #[tokio::test]
    async fn stderr_is_silent_when_told_to_be() {
        let (_, said) = printed(Steps { quiet: true, ..logfmt() }, &[1], &[]).await;
        assert_eq!(said, "");
    }
}
