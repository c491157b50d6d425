//! The questions about invocations, in every layout and of every sender.

use lambdaview_queries::{
    questions::{
        Session, cold, environments, errors,
        function::Functions,
        functions,
        invocations::{self, Ending, Invocation, Wanted},
    },
    schema::Layout,
    window::Window,
};

use crate::shop::shop;

const HOUR: i64 = 3_600_000_000_000;
const MS: u64 = 1_000_000;
const MIB: u64 = 1 << 20;

fn of(function: &str) -> Wanted {
    Wanted::of(Functions::named(function))
}

async fn newest(session: &Session, wanted: &Wanted, hours: i64) -> Vec<Invocation> {
    let now = session.opened_at();
    invocations::newest(session, wanted, Window::since(now - hours * HOUR, now), 100).await.unwrap()
}

fn ids(invocations: &[Invocation]) -> Vec<u64> {
    invocations.iter().map(|one| one.request_id.rsplit('-').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn an_invocation_has_what_its_span_its_parts_its_report_and_its_lines_tell() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let all = newest(&session, &of("checkout"), 1).await;
        assert_eq!(ids(&all), (0..40).rev().collect::<Vec<_>>(), "{layout}");
        let cold = &all[19];
        assert_eq!(
            (cold.duration, cold.billed, cold.cold, cold.init),
            (Some(120 * MS), Some(121 * MS), Some(true), Some(300 * MS)),
            "{layout}"
        );
        assert_eq!((cold.memory_used, cold.memory_size), (Some(180 * MIB), Some(256 * MIB)), "{layout}");
        assert_eq!((cold.timeout, cold.version.as_str()), (Some(3_000 * MS), "42"), "{layout}");
        assert_eq!((cold.trace_id.len(), cold.ending, cold.lines), (32, Ending::Ok, Some((3, 0))), "{layout}");
        assert_eq!((all[0].billed, all[0].cold), (None, Some(false)), "its report is to come, {layout}");
        assert_eq!((all[6].ending, all[6].lines), (Ending::Failed, Some((3, 1))), "{layout}");
    }
}

#[tokio::test]
async fn only_those_that_are_asked_for_are_told() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let cases = [
            (Wanted { failed: true, ..of("checkout") }, vec![33, 30, 23, 13, 7, 3]),
            (Wanted { timeout: true, ..of("checkout") }, vec![7]),
            (Wanted { oom: true, ..of("checkout") }, vec![30]),
            (Wanted { cold: true, ..of("checkout") }, vec![20, 0]),
            (Wanted { slow: Some(1_000 * MS), ..of("checkout") }, vec![30, 7]),
            (Wanted { near: true, ..of("checkout") }, vec![38, 37, 36, 35, 34, 33]),
            (
                Wanted { request_id: Some("c0ffee00-0000-4000-8000-000000000011".to_owned()), ..of("checkout") },
                vec![11],
            ),
            (
                Wanted {
                    request_id: Some("c0ffee00-0000-4000-8000-000000000011".to_owned()),
                    ..Wanted::of(Functions::All)
                },
                vec![11],
            ),
            (Wanted { timeout: true, ..of("refund") }, vec![]),
            (Wanted { cold: true, ..of("refund") }, (0..10).rev().collect()),
        ];
        for (wanted, expected) in cases {
            assert_eq!(ids(&newest(&session, &wanted, 1).await), expected, "{layout} {wanted:?}");
        }
    }
}

#[tokio::test]
async fn what_other_senders_leave_out_stays_unknown() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let refunds = newest(&session, &of("refund"), 1).await;
        assert_eq!(ids(&refunds), (0..10).rev().collect::<Vec<_>>(), "{layout}");
        let refund = &refunds[0];
        assert_eq!(
            (refund.duration, refund.billed, refund.init),
            (Some(50 * MS), Some(51 * MS), Some(210_250_000)),
            "{layout}"
        );
        assert_eq!(
            (refund.memory_used, refund.ending, refund.cold),
            (Some(240 * MIB), Ending::Ok, Some(true)),
            "{layout}"
        );
        let exports = newest(&session, &of("export"), 24 * 30).await;
        assert_eq!((ids(&exports), exports[0].ending), ((0..6).collect(), Ending::Timeout), "{layout}");
        let notices = newest(&session, &of("notify"), 1).await;
        assert_eq!((ids(&notices), notices[0].lines), (vec![2, 1, 0], Some((2, 0))), "{layout}");
        assert_eq!(
            (notices[0].ending, notices[0].duration, notices[0].cold),
            (Ending::Unknown, None, None),
            "{layout}"
        );
    }
}

#[tokio::test]
async fn only_the_newest_are_told_where_there_are_more() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let all = Window::all(session.opened_at());
        let newest = invocations::newest(&session, &of("checkout"), all, 5).await.unwrap();
        assert_eq!(ids(&newest), [39, 38, 37, 36, 35], "{layout}");
    }
}

#[tokio::test]
async fn functions_are_told_with_what_any_sender_tells_of_them() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let now = session.opened_at();
        let all = functions::figures(&session, &Functions::All, Window::since(now - HOUR, now), now).await.unwrap();
        let names: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.invocations, one.failed)).collect();
        assert_eq!(names, [("checkout", 40, Some(6)), ("refund", 10, Some(0)), ("notify", 3, None)], "{layout}");
        let checkout = &all[0];
        assert_eq!((checkout.cold, checkout.lines, checkout.error_lines), (Some(2), 120, Some(4)), "{layout}");
        assert_eq!((checkout.memory_used, checkout.memory_size), (Some(252 * MIB), Some(256 * MIB)), "{layout}");
        assert_eq!((checkout.activity.len(), checkout.activity.iter().sum::<u64>()), (24, 40), "{layout}");
        assert!(checkout.p50 < checkout.p95 && checkout.p95 < checkout.p99 && checkout.log_bytes > 0, "{checkout:?}");
        // Spanned by an SDK that knows nothing of its starts and memory.
        assert_eq!((all[1].memory_used, all[1].lines), (None, 0), "{layout}");
        assert!(!all[2].is_told && all[2].p50.is_none() && all[2].cold.is_none(), "{layout}");
        let reported = functions::figures(&session, &Functions::named("export"), Window::all(now), now).await.unwrap();
        assert_eq!((reported[0].invocations, reported[0].failed, reported[0].cold), (6, Some(6), Some(0)), "{layout}");
        assert_eq!((reported[0].p50, reported[0].memory_used), (Some(9e11), Some(3_008 * MIB)), "{layout}");
    }
}

#[tokio::test]
async fn of_a_long_time_lines_are_counted_in_the_index_and_weighed_by_the_newest_hour() {
    let session = shop(Layout::Items).await.session().await;
    let now = session.opened_at();
    let before = session.cost();
    let all =
        functions::figures(&session, &Functions::All, Window::since(now - 24 * 20 * HOUR, now), now).await.unwrap();
    let of = |name: &str| all.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name}: {all:?}"));
    assert_eq!((of("checkout").lines, of("checkout").is_weighed, of("checkout").error_lines), (120, true, None));
    assert!(of("checkout").log_bytes > 0);
    assert_eq!((of("export").lines, of("export").log_bytes, of("export").invocations), (6, 0, 6));
    let read = session.cost().rows - before.rows;
    assert!(read < 2_000, "the dictionary, the first day and the newest hour: {read} rows");
}

#[tokio::test]
async fn of_a_long_time_lines_are_those_of_the_roll_up_where_there_is_one() {
    for layout in [Layout::TimestampTime, Layout::Items] {
        let desk = shop(layout).await;
        let applied = desk.viewer().run(&["schema", "apply", "functions", "--yes"]).await;
        assert_eq!(applied.code, Some(0), "{applied:?}");
        let session = desk.session().await;
        let now = session.opened_at();
        let window = Window::since(now - 140 * HOUR, now);
        let all = functions::figures(&session, &Functions::All, window, now).await.unwrap();
        let of = |name: &str| all.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name}: {all:?}"));
        let checkout = of("checkout");
        assert_eq!((checkout.lines, checkout.error_lines, checkout.is_weighed), (120, Some(4), false), "{layout}");
        let read = functions::figures(&session, &Functions::All, Window::since(now - HOUR, now), now).await.unwrap();
        assert_eq!(checkout.log_bytes, read.iter().find(|one| one.name == "checkout").unwrap().log_bytes, "{layout}");
        let before_it = Window::since(now - 150 * HOUR, now);
        let all = functions::figures(&session, &Functions::named("checkout"), before_it, now).await.unwrap();
        assert!(!all[0].is_weighed, "{layout}: nothing is older than the roll-up: {all:?}");
        desk.execute("INSERT INTO otel_logs (Timestamp, Body) SELECT now64(9) - toIntervalHour(149), 'late'").await;
        let all = functions::figures(&session, &Functions::named("checkout"), before_it, now).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].is_weighed, layout == Layout::Items, "the roll-up is younger than that: {all:?}");
    }
}

#[tokio::test]
async fn what_wrote_this_week_and_when_it_ran_is_known() {
    let session = shop(Layout::Items).await.session().await;
    let seen = functions::seen_this_week(&session).await.unwrap().unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["checkout", "export", "notify", "refund"]);
    let now = session.opened_at();
    let window = Window { from: now - 24 * 10 * HOUR, until: now };
    let names = ["export", "refund"].map(str::to_owned);
    let times = functions::times(&session, &Functions::all_named(names), window).await.unwrap();
    let gaps: Vec<i64> = times["export"].windows(2).map(|pair| (pair[1] - pair[0]) / HOUR).collect();
    assert_eq!((gaps, times["refund"].len()), (vec![24; 5], 10));
    let old = shop(Layout::TimestampTime).await.session().await;
    assert_eq!(functions::seen_this_week(&old).await.unwrap(), None, "no dictionary tells");
}

#[tokio::test]
async fn errors_that_differ_in_ids_are_one_and_what_failed_in_silence_is_told_by_its_span() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let now = session.opened_at();
        let groups = errors::groups(&session, &Functions::All, Window::since(now - HOUR, now)).await.unwrap();
        let told: Vec<_> = groups.iter().map(|one| (one.kind.as_str(), one.count, one.invocations, one.of)).collect();
        let expected = [
            ("StripeError", 4, 4, Some(40)),
            ("Runtime.OutOfMemory", 1, 1, Some(40)),
            ("Sandbox.Timedout", 1, 1, Some(40)),
        ];
        assert_eq!(told, expected, "{layout}");
        let stripe = &groups[0];
        assert_eq!(stripe.message, "card_declined: customer c-<*> of <*>", "{layout}");
        assert_eq!(
            (&stripe.functions[..], &stripe.versions[..]),
            (&["checkout".to_owned()][..], &["41".to_owned(), "42".to_owned()][..])
        );
        assert!(stripe.request_id.ends_with("033") && stripe.trace_id.ends_with("033"), "the newest: {stripe:?}");
        assert!(stripe.sample.contains("c-261327"), "{stripe:?}");
        let nobodys = errors::groups(&session, &Functions::named("notify"), Window::all(now)).await.unwrap();
        assert!(nobodys.is_empty(), "{layout}: {nobodys:?}");
    }
}

#[tokio::test]
async fn cold_starts_are_told_by_version_and_by_reports_where_spans_do_not() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let now = session.opened_at();
        let starts = cold::starts(&session, &Functions::All, Window::since(now - HOUR, now)).await.unwrap();
        let told: Vec<_> = starts
            .iter()
            .map(|one| (one.function.as_str(), one.version.as_str(), one.invocations, one.cold, one.memory_size))
            .collect();
        let expected = [
            ("refund", "$LATEST", 10, 10, Some(256 * MIB)),
            ("checkout", "41", 20, 1, Some(256 * MIB)),
            ("checkout", "42", 20, 1, Some(256 * MIB)),
        ];
        assert_eq!(told, expected, "{layout}");
        assert_eq!((starts[0].init, starts[1].init), (Some([210.25; 3]), Some([300.0; 3])), "{layout}");
    }
}

#[tokio::test]
async fn starts_of_environments_are_told_with_their_environment() {
    for layout in Layout::ALL {
        let session = shop(layout).await.session().await;
        let now = session.opened_at();
        let window = Window::since(now - HOUR, now);
        let starts = environments::starts(&session, &Functions::named("checkout"), window, 10).await.unwrap();
        let told: Vec<_> = starts.iter().map(|one| (&*one.instance, one.duration, one.failed())).collect();
        assert_eq!(told, [("2026/11/24/[42]b", 300 * MS, false), ("2026/11/24/[42]a", 300 * MS, false)], "{layout}");
    }
}

/// The built program over the same shop.
mod typed {
    use super::*;
    use lambdaview_tests::viewer::Ended;
    use serde_json::Value;

    async fn run(arguments: &[&str]) -> Ended {
        let desk = shop(Layout::Items).await;
        desk.viewer().variable("COLUMNS", "160").run(arguments).await
    }

    fn objects(ended: &Ended) -> Vec<Value> {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_nightly_function_that_missed_its_time_is_named_with_it() {
        let ended = run(&["functions"]).await;
        assert!(ended.stdout.contains("export missed "), "{ended:?}");
        assert!(ended.stdout.contains("(every day; last 25h ago)"), "{ended:?}");
        assert!(ended.stdout.contains("invoked, and logged nothing: refund"), "{ended:?}");
        let of = |objects: &[Value], status: &str| {
            let has = |one: &&Value| one["status"] == status;
            objects.iter().filter(has).map(|one| one["function"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let all = objects(&run(&["functions", "-o", "json", "--sort", "name"]).await);
        assert_eq!(
            (of(&all, "active"), of(&all, "missed")),
            (vec!["checkout".into(), "notify".into(), "refund".into()], vec!["export".into()])
        );
        let some = objects(&run(&["functions", "re*", "/^no/", "-o", "json"]).await);
        assert_eq!(of(&some, "active"), ["refund", "notify"]);
        let table = run(&["top", "--interval", "1s"]).await;
        assert_eq!(
            (table.code, table.stdout.matches("checkout").count()),
            (Some(0), 1),
            "in a pipe it is one table: {table:?}"
        );
    }

    #[tokio::test]
    async fn a_request_that_died_is_told_with_where_it_was() {
        let ended = run(&["invocations", "--request", "C0FFEE00-0000-4000-8000-000000000007"]).await;
        assert!(ended.stdout.contains("timeout"), "{ended:?}");
        assert!(ended.stdout.contains("└ it was inside POST /charges for 2.980s of 3.000s"), "{ended:?}");
        assert!(ended.stdout.contains("└ last line ") && ended.stdout.contains("line 2 of 7"), "{ended:?}");
        let one = &objects(&run(&["inv", "--request", "c0ffee00-0000-4000-8000-000000000007", "-o", "json"]).await)[0];
        assert_eq!((&one["inside"], &one["status"]), (&"POST /charges".into(), &"timeout".into()), "{one}");
        let nobody = run(&["inv", "--request", "c0ffee00-0000-4000-8000-000000000999"]).await;
        assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(3), ""), "{nobody:?}");
    }

    #[tokio::test]
    async fn what_came_near_a_limit_and_what_waits_for_its_report_is_marked() {
        let all = objects(&run(&["inv", "checkout", "-o", "json"]).await);
        assert_eq!((&all[0]["report"], &all[1]["report"]), (&"pending".into(), &"known".into()));
        let near: Vec<_> = all.iter().filter(|one| one["near_memory"] == true).collect();
        assert_eq!(near.len(), 6, "{near:?}");
        assert!(run(&["inv", "checkout"]).await.stdout.contains("252/256MB!"));
        let few = objects(&run(&["inv", "checkout", "--near", "-n", "2", "-o", "json"]).await);
        assert!(few.len() == 2 && few.iter().all(|one| one["near_memory"] == true), "{few:?}");
    }

    #[tokio::test]
    async fn errors_end_a_pipeline_when_they_are_to() {
        let ended = run(&["errors", "--fail"]).await;
        assert_eq!(ended.code, Some(7), "{ended:?}");
        assert!(ended.stdout.contains("StripeError: card_declined: customer c-<*> of <*>"), "{ended:?}");
        assert!(ended.stderr.contains("6 errors of 3 kinds"), "{ended:?}");
        let none = run(&["errors", "notify", "--fail"]).await;
        assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""), "{none:?}");
    }

    #[tokio::test]
    async fn every_one_of_them_is_json_and_csv_of_the_same_fields() {
        let desk = shop(Layout::Items).await;
        for command in ["functions", "invocations checkout", "errors", "cold", "environments checkout"] {
            let with = |form| command.split(' ').chain(["-o", form]).collect::<Vec<_>>();
            let json = objects(&desk.viewer().run(&with("json")).await);
            let csv = desk.viewer().run(&with("csv")).await;
            let heading: Vec<_> = csv.stdout.lines().next().unwrap().split(',').collect();
            let mut keys: Vec<_> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
            let mut sorted = heading.clone();
            keys.sort_unstable();
            sorted.sort_unstable();
            assert_eq!(keys, sorted, "{command}");
            assert_eq!(csv.stdout.lines().count(), json.len() + 1, "{command}: {csv:?}");
        }
    }

    #[tokio::test]
    async fn an_environment_is_a_lane_and_without_a_name_there_is_none() {
        let drawn = run(&["environments", "checkout"]).await;
        assert!(drawn.stdout.contains("100>176/256MB") && drawn.stdout.contains("2 environments"), "{drawn:?}");
        let nameless = run(&["environments", "refund"]).await;
        assert_eq!(nameless.code, Some(3), "{nameless:?}");
        assert!(nameless.stderr.contains("faas.instance"), "{nameless:?}");
    }
}
