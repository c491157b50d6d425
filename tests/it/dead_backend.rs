//! A backend that is dead: once that is known, no invocation waits for it; when it is seen to be back, it has everything at once.
//!
//! Who waits for a request sees it end; so an invocation that ends while the requests that began in it are still open has
//! waited for none of them. That is how these tests see it, without a clock.

use lambdaview_tests::{
    attach::towards,
    backend::{Backend, Behaviour, Kind},
    function::cheap,
    lambda::{Lambda, Settings, Status},
    ledger::Ledger,
    machine,
    until::GENEROUS,
};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const MODES: [&str; 4] = ["auto", "end", "periodic,100ms", "background,100ms"];
const TAG: &str = "outage";
const LINES: u64 = 5;
/// Invocations in which an extension may find out that its backend is dead.
const OPENING: usize = 4;

struct Outage {
    backend: Backend,
    lambda: Lambda,
    printed: u64,
}

impl Outage {
    /// A function whose backend was well until now, and an extension that has had the time to notice.
    async fn begin(mode: &str, behaviour: Behaviour) -> Self {
        let backend = Backend::start().await;
        let function = Settings::new("outage", cheap::program(machine::binary("bench")));
        let settings = function.timeout(GENEROUS).init_timeout(GENEROUS).variable("LAMBDAVIEW_FLUSH", mode);
        let settings = towards(settings, &machine::extension(), &backend, "http");
        let mut outage = Self { lambda: Lambda::start(settings).await.unwrap(), backend, printed: 0 };
        let began = Instant::now();
        while outage.backend.look(|store| Kind::ALL.iter().any(|kind| store.sums(*kind).kept == 0)) {
            outage.in_time(began, "a record of each kind at a backend that is well");
            outage.invoke().await;
        }
        outage.backend.behave(behaviour).await;
        for _ in 0..OPENING {
            outage.invoke().await;
        }
        outage
    }

    /// Fails when what is invoked for has not come for long.
    fn in_time(&self, began: Instant, what: &str) {
        assert!(
            began.elapsed() < GENEROUS,
            "{what}: not within {GENEROUS:?}; {:?}\n{}",
            self.backend.requests(),
            self.lambda.extension_output()
        );
    }

    async fn invoke(&mut self) {
        self.invoke_for(Duration::ZERO).await;
    }

    /// An invocation that works for so long after its lines.
    async fn invoke_for(&mut self, works: Duration) {
        let millis = works.as_millis();
        let event = json!({ "tag": TAG, "from": self.printed, "lines": LINES, "millis": millis });
        self.printed += LINES;
        let invocation = self.lambda.invoke(event).await;
        assert_eq!(invocation.status, Status::Success, "{}", self.lambda.transcript());
    }

    /// How many of the first `count` lines the backend has not got.
    fn missing(&self, count: u64) -> usize {
        let there = |number| self.backend.look(|store| store.lines().contains_key(&cheap::tagged(TAG, number, 0)));
        (0..count).filter(|number| !there(*number)).count()
    }

    /// The backend is well again: everything arrives, once, and is counted.
    async fn end(mut self) {
        self.backend.behave(Behaviour::Healthy).await;
        let (began, owed) = (Instant::now(), self.printed);
        while self.missing(owed) > 0 {
            self.in_time(began, &format!("{} missing lines", self.missing(owed)));
            self.invoke().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.stop().await.of("logs").dropped, 0);
    }

    async fn stop(self) -> Ledger {
        let shutdown = self.lambda.stop().await;
        assert!(shutdown.killed.is_empty(), "{shutdown:?}");
        let said = self.lambda.extension_output();
        let ledger = Ledger::last(&said);
        assert!(ledger.balanced(), "{said}");
        ledger
    }
}

async fn in_every_mode<Test>(test: impl Fn(&'static str) -> Test)
where
    Test: Future<Output = ()> + Send + 'static,
{
    let mut tests: JoinSet<()> = MODES.into_iter().map(test).collect();
    while let Some(ended) = tests.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn once_a_backend_is_known_to_hang_no_invocation_waits_for_it() {
    in_every_mode(|mode| async move {
        let mut outage = Outage::begin(mode, Behaviour::Hanging).await;
        for nth in 0..20 {
            let before = outage.backend.requests();
            outage.invoke().await;
            let after = outage.backend.requests();
            let waited_for: Vec<u64> = (before.begun..after.begun).filter(|id| !after.open.contains(id)).collect();
            assert!(waited_for.is_empty(), "{mode}: invocation {nth} waited for {waited_for:?}");
        }
        outage.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_backend_that_is_down_is_tried_far_less_often_than_there_are_invocations() {
    in_every_mode(|mode| async move {
        let mut outage = Outage::begin(mode, Behaviour::Unavailable).await;
        let before = outage.backend.requests().begun;
        for _ in 0..60 {
            outage.invoke().await;
        }
        let tried = outage.backend.requests().begun - before;
        assert!(tried < 60, "{mode}: {tried} requests in 60 invocations of three kinds each");
        outage.end().await;
    })
    .await;
}

#[tokio::test]
async fn once_a_backend_is_seen_to_be_back_it_has_all_that_waited_for_it() {
    for behaviour in [Behaviour::Refused, Behaviour::Hanging, Behaviour::Unavailable] {
        in_every_mode(move |mode| async move {
            let mut outage = Outage::begin(mode, behaviour).await;
            for _ in 0..6 {
                outage.invoke().await;
            }
            let waiting = outage.printed;
            outage.backend.behave(Behaviour::Healthy).await;
            let before = outage.backend.requests().begun;
            // It is tried once per backoff; what that request finds, all kinds know, even one whose own still hangs.
            let began = Instant::now();
            while outage.backend.requests().begun == before {
                outage.in_time(began, &format!("{mode}, {behaviour:?}: a request to the backend that is back"));
                outage.invoke().await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // One more invocation, which lasts for as long as sending beside it takes on a slow machine.
            outage.invoke_for(Duration::from_secs(3)).await;
            let missing = outage.missing(waiting);
            assert_eq!(missing, 0, "{mode}, {behaviour:?}: of {waiting} lines\n{}", outage.lambda.extension_output());
            outage.end().await;
        })
        .await;
    }
}
