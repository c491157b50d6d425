//! The secrets that the destination needs: asked for beside everything else, and the destination made with them.
//!
//! When to ask is decided in `secrets::awaited`, who waits for it in `dispatch`.

use super::{
    Driver,
    tasks::{Done, Purpose},
};
use crate::{
    clock::unix_now,
    config::{self, Config, Environment, Fault, LogLevel},
    export::retry::{LONGEST, backoff},
    flow::{Outcome, SignalKind, UnixNanos},
    secrets::{Awaited, Resolution, Resolver},
    startup,
};

/// What is needed to fetch secrets and to read the configuration with them.
pub(super) struct Keys {
    awaited: Awaited,
    resolver: Resolver,
    environment: Box<dyn Environment + Send>,
    /// Faults that have been told.
    told: Vec<Fault>,
    /// Once a backend has denied us: before this time its word is not taken for another change of secrets.
    renewed_until: UnixNanos,
}

/// Between two fetches of secrets because a backend denied us. A key that is wrong for good is not fetched for each batch.
const RENEWAL: UnixNanos = 60_000_000_000;

impl Keys {
    /// `None` when the configuration needs no secrets.
    pub(super) fn new(config: &Config, told: Vec<Fault>, environment: Box<dyn Environment + Send>) -> Option<Self> {
        let awaited = Awaited::new(config.secrets.clone());
        let resolver = Resolver::new(config.aws.clone());
        (!awaited.is_settled()).then_some(Self { awaited, resolver, environment, told, renewed_until: 0 })
    }

    /// When they are to be asked for again.
    pub(super) fn wake_at(&self) -> Option<UnixNanos> {
        self.awaited.wake_at()
    }

    /// Whether other secrets can be hoped for: they are being asked for, or were not for some time.
    fn renew(&mut self, now: UnixNanos) -> bool {
        if self.awaited.is_settled() {
            if now < self.renewed_until {
                return false;
            }
            self.renewed_until = now + RENEWAL;
            self.awaited.renew();
        }
        true
    }

    /// The configuration with the secrets that are known, and what is found wrong with it only now.
    fn config(&mut self) -> (Config, Vec<Fault>) {
        let (config, faults) = Config::with_secrets(&*self.environment, &|reference| self.awaited.secret(reference));
        let news: Vec<Fault> = faults.into_iter().filter(|fault| !self.told.contains(fault)).collect();
        self.told.extend(news.iter().cloned());
        (config, news)
    }
}

impl Driver {
    /// Asks for what is due.
    pub(super) fn ask_for_secrets(&mut self) {
        let Some(keys) = &mut self.keys else { return };
        let Some(references) = keys.awaited.ask(unix_now()) else { return };
        self.backends.iter_mut().for_each(|backend| backend.dispatch.asking_for_secrets());
        let resolver = keys.resolver.clone();
        let task = self.tasks.spawn(async move { Done::Resolved(resolver.resolve(&references).await) });
        self.purposes.insert(task.id(), Purpose::Secrets);
    }

    /// What an attempt brought: whatever can go with it goes.
    pub(super) fn resolved(&mut self, resolution: Resolution) {
        let Some(keys) = self.keys.as_mut().filter(|keys| keys.awaited.is_asking()) else { return };
        let has_more = !resolution.known.is_empty();
        let wait = |failures| backoff(failures, LONGEST, startup::random());
        let now = unix_now();
        let news = keys.awaited.answered(resolution, now, wait);
        if keys.awaited.is_settled() && keys.renewed_until > 0 {
            keys.renewed_until = now + RENEWAL;
        }
        if let Some(news) = news {
            let level = if keys.awaited.is_settled() { LogLevel::Warn } else { LogLevel::Error };
            self.console.say(level, news);
        }
        if has_more {
            let (config, faults) = keys.config();
            keys.awaited.forget();
            self.backends.iter_mut().for_each(|backend| backend.unlock(&config));
            if let Some(told) = config::report(&faults) {
                self.console.say(LogLevel::Warn, told);
            }
        }
        self.backends.iter_mut().for_each(|backend| backend.dispatch.secrets_are_missing());
    }

    /// At the end there is no later: what is missing is asked for at once.
    pub(super) fn hurry(&mut self, last_chance: bool) {
        if let Some(keys) = self.keys.as_mut().filter(|_| last_chance) {
            keys.awaited.hurry();
        }
    }

    /// After the restore of a snapshot, what was known may be old: everything that needs a secret waits until it is known
    /// again.
    pub(super) fn renew_secrets(&mut self) {
        let Some(keys) = &mut self.keys else { return };
        keys.awaited.renew();
        let (config, _) = keys.config();
        self.backends.iter_mut().for_each(|backend| backend.hold_back(&config));
    }

    /// A backend that does not accept who we are may have been given another key, which a secret knows by now: that is fetched
    /// anew beside everything else, and what was denied waits for it. What is denied again is refused.
    pub(super) fn renew_what_was_denied(&mut self, backend: usize, kind: SignalKind, outcome: Outcome) -> Outcome {
        let Outcome::Denied { why } = outcome else { return outcome };
        let (Some(keys), backend) = (&mut self.keys, &mut self.backends[backend]) else {
            return Outcome::Refused { why };
        };
        // It says nothing about the backend, which answers.
        let waits = |why| Outcome::NoAnswer { frozen: true, why };
        if !backend.needs_secrets(kind) {
            return Outcome::Refused { why };
        }
        if backend.left_with_old_secrets(kind) {
            return waits(why);
        }
        let begins = keys.awaited.is_settled();
        if !keys.renew(unix_now()) {
            return Outcome::Refused { why };
        }
        backend.dispatch.hold_back_again(kind);
        if begins {
            self.console
                .say(LogLevel::Warn, format_args!("{} export: {why}; its secrets are fetched anew", kind.as_str()));
        }
        waits(why)
    }
}
