//! Following while rows arrive late and out of order, into several partitions, while the table merges: each line once.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use lambdaview::{
    error::Error,
    tail::{self, Outlet, Pipeline, Steps, Tail},
};
use lambdaview_queries::schema::Layout;
use lambdaview_tests::until::until;

use crate::desk::Desk;

const BLOCKS: u32 = 100;
const LINES: u32 = 100;
/// Far longer than it takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was printed, to be looked at while it is printed.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    /// How often each number was printed.
    fn numbers(&self) -> BTreeMap<u32, u32> {
        let mut numbers = BTreeMap::new();
        for line in String::from_utf8_lossy(&self.0.lock().unwrap()).lines() {
            let number = line.split_once("number ").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
            *numbers.entry(number).or_default() += 1;
        }
        numbers
    }

    /// A way for lines that ends here.
    fn pipeline(&self) -> Pipeline {
        Pipeline::new(Steps::default(), Outlet::new(self.clone()).unwrap(), Box::new(io::sink()))
    }

    /// Waits until so many lines were printed.
    async fn holds(&self, lines: usize) {
        until("all lines", PATIENCE, || async {
            if self.lines() >= lines { Ok(()) } else { Err(format!("{} of {lines}", self.lines())) }
        })
        .await;
    }

    fn lines(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count()
    }
}

async fn insert(desk: &Desk, block: u32) {
    let query = desk.client.query_raw(include_str!("../fixtures/sql/rows/numbered.sql"));
    query.param("block", block).param("first", block * LINES).param("count", LINES).execute().await.unwrap();
}

/// Inserts numbered blocks, some late, some of yesterday, and merges in between.
async fn write(desk: &Desk, blocks: std::ops::Range<u32>) {
    for block in blocks {
        insert(desk, block).await;
        if block % 10 == 9 {
            desk.execute("OPTIMIZE TABLE otel_logs FINAL").await;
        }
    }
}

async fn follow(desk: &Desk, printer: &mut Pipeline) -> Error {
    let session = desk.session().await;
    let tail = Tail {
        functions: vec!["pay".parse().unwrap()],
        since: Some("2d".parse().unwrap()),
        follow: true,
        ..Tail::default()
    };
    tail::run(&session, &desk.target.place, &tail, printer).await.unwrap_err()
}

async fn each_line_is_printed_once(layout: Layout, blocks: u32) {
    let desk = Desk::new(layout).await;
    // Some are there before, and are history; block 0 is of yesterday.
    write(&desk, 0..3).await;
    let page = Page::default();
    let mut printer = page.pipeline();
    let wanted = blocks * LINES;
    let all_printed = async {
        write(&desk, 3..blocks).await;
        page.holds(wanted as usize).await;
    };
    tokio::select! {
        error = follow(&desk, &mut printer) => panic!("{error}"),
        () = all_printed => {}
    }
    let numbers = page.numbers();
    assert_eq!(numbers.keys().copied().collect::<Vec<_>>(), (0..wanted).collect::<Vec<_>>(), "{layout}");
    assert!(numbers.values().all(|times| *times == 1), "{layout}");
    assert_eq!(printer.tally().rows, u64::from(wanted));
    assert!(printer.tally().late > 0, "{layout}: late lines are marked");
}

#[tokio::test]
async fn ten_thousand_lines_are_each_printed_once_while_the_table_merges() {
    each_line_is_printed_once(Layout::Items, BLOCKS).await;
}

#[tokio::test]
async fn where_merging_keeps_block_numbers_on_a_map_layout_it_is_the_same() {
    each_line_is_printed_once(Layout::MapValues, 30).await;
}

#[tokio::test]
async fn without_block_numbers_lines_that_are_not_later_than_the_overlap_are_each_printed_once() {
    let desk = Desk::new(Layout::TimestampTime).await;
    insert(&desk, 1).await;
    let page = Page::default();
    let mut printer = page.pipeline();
    let blocks: Vec<u32> = (1..40).filter(|block| block % 13 != 0).collect();
    let wanted = blocks.len() * LINES as usize;
    let all_printed = async {
        for block in &blocks[1..] {
            insert(&desk, *block).await;
        }
        desk.execute("OPTIMIZE TABLE otel_logs FINAL").await;
        page.holds(wanted).await;
    };
    tokio::select! {
        error = follow(&desk, &mut printer) => panic!("{error}"),
        () = all_printed => {}
    }
    assert!(page.numbers().values().all(|times| *times == 1));
}
