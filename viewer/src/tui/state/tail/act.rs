//! What keys do on the tail screen.

use super::{
    Flow, Link, Mark, Tail,
    rules::Rules,
    save::{file_name, json},
    store::Stored,
};
use crate::{
    ask::TraceRef,
    format::count,
    tui::{
        ask::{Answer, LineRef, Problem, Slot},
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
        // Another stretch of time was chosen: what was around a line does not count any more.
        let at = self.at.take().filter(|(_, chosen)| *chosen == around.times);
        let flow = if at.is_some() { Flow::Scrolled } else { Flow::Following };
        let reach = at.as_ref().map(|(line, _)| line.time);
        let Self { wrap, by_invocation, memory, .. } = *self;
        *self = Self { at, flow, rules, search, marks, wrap, by_invocation, memory, ..kept };
        self.ask(reach, around)
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
                let tail = || format!("lambdaview tail {names} {}", self.times(around.times).flags(around.now));
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
            let times = self.times(around.times);
            return Some(Place { search, from: times.from(around.now), until: times.end(around.now) });
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
            self.at = None;
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
        let in_view = self.window_down(list.top, around);
        match command {
            // Lines may take several rows: a page begins with the line after the last one in view, so that none is passed over.
            Command::PageDown if list.top + in_view < count => {
                list = List { at: list.top + in_view, top: list.top + in_view }
            }
            Command::PageUp if list.top > 0 => {
                let last = list.top - 1;
                list = List { at: last, top: self.window_up(last, around.rows, around) };
            }
            _ if list.act(command, count, in_view) => {}
            _ => return Vec::new(),
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

fn is_error(line: &Stored<'_>) -> bool {
    line.severity >= 17
}

fn is_warning(line: &Stored<'_>) -> bool {
    (13..17).contains(&line.severity)
}
