//! What keys do on the tail screen.

use super::{
    Flow, Link, Mark, Tail,
    rules::{Rules, Value},
    shown::Shown,
    store::Stored,
};
use crate::{
    ask::{Nanos, TraceRef},
    format::{count, rfc3339, short_id},
    tui::{
        ask::{Answer, Ask, LineRef, Problem, Slot},
        keys::{Command, Scope, What},
        state::{
            link::{self, Place},
            list::List,
            page::{Around, Page, Step},
            prompt::For,
        },
    },
};

impl Page for Tail {
    fn scope(&self) -> Scope {
        Scope::Tail
    }

    fn name(&self) -> String {
        format!("tail {}", self.title())
    }

    fn begin(&mut self, around: &Around) -> Vec<Step> {
        let kept = Self::of(std::mem::take(&mut self.names), std::mem::take(&mut self.given));
        let (rules, search) = (std::mem::take(&mut self.rules), std::mem::take(&mut self.search));
        let mut marks = std::mem::take(&mut self.marks);
        marks.values_mut().for_each(|mark| mark.at = None);
        let Self { wrap, by_invocation, memory, .. } = *self;
        *self = Self { rules, search, marks, wrap, by_invocation, memory, ..kept };
        self.ask(None, around)
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        match command {
            Command::Bottom | Command::Follow => self.follow(command, around),
            Command::Pause => self.pause(around),
            Command::Search | Command::Filter => {
                self.before_typing = (self.rules.clone(), self.search.clone());
                vec![match command {
                    Command::Search => Step::Prompt(For::Search, String::new()),
                    _ => Step::Prompt(For::Filter, self.rules.text.clone()),
                }]
            }
            Command::Next => self.next_match(true, around),
            Command::Previous => self.next_match(false, around),
            Command::NextError => self.seek(true, "error", is_error, around),
            Command::PreviousError => self.seek(false, "error", is_error, around),
            Command::NextWarning => self.seek(true, "warning", is_warning, around),
            Command::PreviousWarning => self.seek(false, "warning", is_warning, around),
            Command::NextOfInvocation => self.seek_invocation(true, around),
            Command::PreviousOfInvocation => self.seek_invocation(false, around),
            Command::Invocation => self.only_invocation(around),
            Command::FilterOut | Command::FilterIn => self.choose(command == Command::FilterIn),
            Command::Fold => self.fold(around),
            Command::Wrap => {
                self.wrap = !self.wrap;
                self.settle(around)
            }
            Command::Blocks => self.change_order(around),
            Command::Mark(letter) => {
                let Some(line) = self.line_ref() else { return Vec::new() };
                self.marks.insert(letter, Mark { line, at: Some(self.cursor) });
                vec![Step::Say(format!("marked {letter}; '{letter} comes back"))]
            }
            Command::GoToMark(letter) => match self.marks.get(&letter) {
                Some(Mark { at: Some(number), .. }) if self.shows(*number) => self.jump(*number, around),
                Some(_) => vec![Step::Say(format!("the line marked {letter} is not among those here"))],
                None => vec![Step::Say(format!("nothing is marked {letter}"))],
            },
            Command::Save => {
                let time = crate::format::Zone::Utc.moment(around.now).replace([' ', ':'], "-");
                vec![Step::Prompt(For::Save, format!("{}-{time}.log", file_name(&self.title())))]
            }
            _ => self.scroll(command, around),
        }
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        self.take(answer, around)
    }

    fn failed(&mut self, slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        match slot {
            Slot::Main => self.link = Link::Ended,
            // They are asked for again by and by; lines are shown without meanwhile.
            Slot::Ends => {
                self.ends.finish();
                return Vec::new();
            }
            _ => {}
        }
        if slot == Slot::Main && self.store.is_empty() {
            self.problem = Some(problem);
            return Vec::new();
        }
        vec![Step::Say(problem.what)]
    }

    fn ended(&mut self, slot: Slot, _around: &Around) -> Vec<Step> {
        if slot == Slot::Main {
            self.link = Link::Ended;
        }
        Vec::new()
    }

    fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        match to {
            For::Search if done => {
                text.clone_into(&mut self.search);
                self.find_all();
                if self.search.is_empty() { Vec::new() } else { self.search_from_here(around) }
            }
            For::Search => {
                text.clone_into(&mut self.search);
                Vec::new()
            }
            For::Filter => {
                let rules = Rules { text: text.to_owned(), ..self.rules.clone() };
                match done {
                    // Emptied, it shows everything again.
                    true if text.is_empty() => self.rule(Rules::default(), around),
                    true => self.rule(rules, around),
                    false => self.apply(rules, around),
                }
            }
            For::Save if done && !text.trim().is_empty() => {
                let text_of_file = if text.ends_with("json") { self.json() } else { self.text(around) };
                vec![Step::Save(text.trim().to_owned(), text_of_file)]
            }
            _ => Vec::new(),
        }
    }

    fn dropped(&mut self, to: For, around: &Around) -> Vec<Step> {
        let (rules, search) = std::mem::take(&mut self.before_typing);
        match to {
            For::Filter => self.apply(rules, around),
            For::Search => {
                self.search = search;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn chosen(&mut self, at: usize, around: &Around) -> Vec<Step> {
        let Some((wanted, mut values)) = self.choosing.take() else { return Vec::new() };
        if at >= values.len() {
            return Vec::new();
        }
        let mut rules = self.rules.clone();
        rules.values.push((values.swap_remove(at), wanted));
        self.rule(rules, around)
    }

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        let line = self.line()?;
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match what {
            What::Line => Some(line.body.to_owned()),
            What::Json => Some(json(&line)),
            What::Trace => known(line.trace),
            What::Request => known(line.invocation),
            What::Command => {
                let id = known(line.trace).or_else(|| known(line.invocation));
                let names = self.names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" ");
                let tail = || format!("lambdaview tail {names} {}", around.times.flags(around.now));
                Some(id.map_or_else(tail, |id| format!("lambdaview trace {id}")))
            }
            What::Sql => None,
        }
    }

    fn resized(&mut self, around: &Around) {
        let _ = self.settle(around);
    }

    fn clicked(&mut self, row: usize, around: &Around) -> Vec<Step> {
        self.stop_following();
        let mut place = self.shown.place(self.top);
        let mut used = 0;
        while let Some(number) = self.shown.number(place) {
            used += self.height(number, around);
            if used > row {
                break;
            }
            place += 1;
        }
        self.go(place, around)
    }

    fn function(&self) -> Option<String> {
        let of_line = self.line().map(|line| line.function.to_owned()).filter(|name| !name.is_empty());
        of_line.or_else(|| self.names.first().cloned())
    }

    fn trace(&self) -> Option<TraceRef> {
        let line = self.line()?;
        let trace = (!line.trace.is_empty()).then(|| TraceRef::Trace(line.trace.to_owned()));
        trace.or_else(|| (!line.invocation.is_empty()).then(|| TraceRef::Invocation(line.invocation.to_owned())))
    }

    fn line_ref(&self) -> Option<LineRef> {
        self.line().map(|line| line_ref(&line))
    }

    fn go_to(&mut self, line: &LineRef, around: &Around) -> bool {
        let Some(number) = self.number_of(line).filter(|number| self.shows(*number)) else { return false };
        // Older lines that this makes worth reading are asked for by the next key.
        let _ = self.jump(number, around);
        true
    }

    fn place(&self, around: &Around) -> Option<Place> {
        let Some(line) = self.line() else {
            let search = link::is("ResourceAttributes.faas.name", self.names.first()?);
            return Some(Place { search, from: around.times.from(around.now), until: around.times.end(around.now) });
        };
        let search = match (line.trace, line.invocation) {
            ("", "") => link::is("ResourceAttributes.faas.name", line.function),
            ("", invocation) => link::is("LogAttributes.faas.invocation_id", invocation),
            (trace, _) => link::is("TraceId", trace),
        };
        Some(Place::around(search, line.time))
    }

    fn status(&self) -> Option<String> {
        if self.search.is_empty() {
            return None;
        }
        let place = self.matches.partition_point(|number| *number <= self.cursor);
        Some(format!("/{}  {}/{}", self.search, count(place as u64), count(self.matches.len() as u64)))
    }

    fn covered(&mut self) {
        self.stop_following();
    }
}

impl Tail {
    /// Stays with the newest line again; what was left out because there was no room is read anew.
    fn follow(&mut self, command: Command, around: &Around) -> Vec<Step> {
        if self.skipped > 0 {
            return self.begin(around);
        }
        if self.link == Link::Ended && command == Command::Follow && around.times.until.is_none() {
            return self.begin(around);
        }
        self.flow = if matches!(self.link, Link::Ended) { Flow::Scrolled } else { Flow::Following };
        self.unseen = 0;
        self.shown.catch_up(&self.rules, &self.store, self.until(), Some(around.now));
        let last = self.shown.len().saturating_sub(1);
        self.go(last, around)
    }

    fn pause(&mut self, around: &Around) -> Vec<Step> {
        if let Flow::Paused(_) = self.flow {
            self.flow = Flow::Following;
            self.shown.catch_up(&self.rules, &self.store, self.until(), Some(around.now));
            return self.follow(Command::Follow, around);
        }
        (self.flow, self.unseen) = (Flow::Paused(self.store.end() - 1), 0);
        Vec::new()
    }

    /// Moves the cursor; upwards it leaves the newest line, and following with it.
    fn scroll(&mut self, command: Command, around: &Around) -> Vec<Step> {
        let count = self.count();
        let mut list = List { at: self.shown.place(self.cursor), top: self.shown.place(self.top) };
        if !list.act(command, count, around.rows) {
            return Vec::new();
        }
        let is_up = matches!(command, Command::Up | Command::HalfUp | Command::PageUp | Command::Top);
        if is_up {
            self.stop_following();
        }
        if let Some(top) = self.shown.number(list.top) {
            self.top = top;
        }
        self.go(list.at, around)
    }

    fn fold(&mut self, around: &Around) -> Vec<Step> {
        self.stop_following();
        if !self.unfolded.remove(&self.cursor) {
            self.unfolded.insert(self.cursor);
        }
        self.settle(around)
    }

    /// To the match that is nearest: in view is what was meant, else what is further down, else further up.
    fn search_from_here(&mut self, around: &Around) -> Vec<Step> {
        let is_here = self.matches.binary_search(&self.cursor).is_ok();
        match self.match_from_here(true).or_else(|| self.match_from_here(false)) {
            _ if is_here => Vec::new(),
            Some(number) => self.jump(number, around),
            None => self.next_match(false, around),
        }
    }

    fn seek_invocation(&mut self, forward: bool, around: &Around) -> Vec<Step> {
        let invocation = self.line().map(|line| line.invocation.to_owned()).filter(|id| !id.is_empty());
        match invocation {
            Some(id) => self.seek(forward, "line of this invocation", |line| line.invocation == id, around),
            None => vec![Step::Say("this line names no invocation".to_owned())],
        }
    }

    /// Only the invocation under the cursor, or everything again.
    fn only_invocation(&mut self, around: &Around) -> Vec<Step> {
        let mut rules = self.rules.clone();
        let before = rules.values.len();
        rules.values.retain(|(value, wanted)| !(*wanted && matches!(value, Value::Invocation(_))));
        if rules.values.len() < before {
            return self.rule(rules, around);
        }
        let Some(id) = self.line().map(|line| line.invocation.to_owned()).filter(|id| !id.is_empty()) else {
            return vec![Step::Say("this line names no invocation".to_owned())];
        };
        let said = Step::Say(format!("only invocation {}; i shows all again", short_id(&id)));
        rules.values.push((Value::Invocation(id), true));
        let mut steps = self.rule(rules, around);
        steps.push(said);
        steps
    }

    fn choose(&mut self, wanted: bool) -> Vec<Step> {
        let Some(line) = self.line() else { return Vec::new() };
        let values = Value::of(&line);
        let title = if wanted { " show only lines of " } else { " hide lines of " };
        let shown = values.iter().map(Value::shown).collect();
        self.choosing = Some((wanted, values));
        vec![Step::Choose(title, shown)]
    }

    /// Asks for the lines, as far back as a moment.
    fn ask(&mut self, reach: Option<Nanos>, around: &Around) -> Vec<Step> {
        self.asked = self.rules.clone();
        let (from, until) = (around.times.from(around.now), around.times.until);
        let ask = Ask::Tail { sought: self.sought(), from, until, count: super::PAGE, reach };
        self.ends.finish();
        vec![Step::Drop(Slot::Older), Step::Drop(Slot::Ends), Step::Ask(Slot::Main, ask)]
    }

    /// Applies other rules to what is here, and has the server apply them to everything else.
    fn rule(&mut self, rules: Rules, around: &Around) -> Vec<Step> {
        let mut steps = self.apply(rules, around);
        if self.rules != self.asked {
            self.link = Link::Opening;
            let cursor = self.line().filter(|_| self.flow != Flow::Following && self.shows(self.cursor));
            let reach = cursor.map(|line| line.time);
            steps.extend(self.ask(reach, around));
        }
        steps
    }

    /// Applies other rules to what is here; the cursor stays on its line, or goes to the next that is left.
    fn apply(&mut self, rules: Rules, around: &Around) -> Vec<Step> {
        self.rules = rules;
        self.arrange();
        if self.flow == Flow::Following {
            let last = self.count().saturating_sub(1);
            return self.go(last, around);
        }
        self.settle(around)
    }

    /// Puts all lines in their order anew.
    pub(super) fn arrange(&mut self) {
        self.shown = Shown::of(&self.rules, self.by_invocation, &self.store, self.until());
    }

    /// Lines by invocation, or as they came; the cursor stays on its line.
    fn change_order(&mut self, around: &Around) -> Vec<Step> {
        self.by_invocation = !self.by_invocation;
        self.arrange();
        let said = if self.by_invocation { "lines by invocation" } else { "lines in the order in which they came" };
        let mut steps = vec![Step::Say(format!("{said}; B changes it"))];
        let place = self.shown.place(self.cursor);
        steps.extend(if self.flow == Flow::Following { self.go(self.count(), around) } else { self.go(place, around) });
        steps.extend(self.ask_ends(around));
        steps
    }

    /// The lines to be saved: those that are marked, else those that are shown.
    fn saved(&self) -> impl Iterator<Item = Stored<'_>> {
        let marked: std::collections::BTreeSet<_> = self.marks.values().filter_map(|mark| mark.at).collect();
        let all = (0..if marked.is_empty() { self.count() } else { 0 }).filter_map(|place| self.shown.number(place));
        marked.into_iter().chain(all).filter_map(|number| self.store.get(number))
    }

    fn text(&self, around: &Around) -> String {
        let mut text = String::new();
        for line in self.saved() {
            let time = around.zone.date_clock(line.time);
            let letter = crate::format::severity_letter(line.severity);
            let ids = format!("{} {}", short_id(line.invocation), short_id(line.trace));
            for part in line.body.trim_end().split('\n') {
                text.push_str(&format!("{time} {letter} {ids} {}\n", crate::format::inert(part)));
            }
        }
        text
    }

    fn json(&self) -> String {
        self.saved().map(|line| json(&line) + "\n").collect()
    }
}

/// A line as other screens name it.
pub(super) fn line_ref(line: &Stored<'_>) -> LineRef {
    LineRef {
        time: line.time,
        severity: line.severity,
        function: line.function.to_owned(),
        invocation: line.invocation.to_owned(),
        trace: line.trace.to_owned(),
        span: line.span.to_owned(),
        body: line.body.to_owned(),
    }
}

/// A line as `tail -o json` prints it, as far as it is here.
fn json(line: &Stored<'_>) -> String {
    serde_json::json!({
        "time": rfc3339(line.time),
        "function": line.function,
        "severity_number": line.severity,
        "body": line.body,
        "trace_id": line.trace,
        "span_id": line.span,
        "invocation_id": line.invocation,
    })
    .to_string()
}

/// A name as part of a file's.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect()
}

fn is_error(line: &Stored<'_>) -> bool {
    line.severity >= 17
}

fn is_warning(line: &Stored<'_>) -> bool {
    (13..17).contains(&line.severity)
}
