//! The questions about invocations, in every layout and of every sender.

use lambdaview_queries::{
    questions::{
        Session,
        function::Functions,
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
