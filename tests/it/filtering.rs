//! What the server says of a filter is what we say of it: over rows and filters drawn at random, and in every layout.

use crate::desk::{Desk, Made, Map};
use lambdaview_queries::{
    filter::{Comparison, Field, Filter, Pattern, Test, Words},
    questions::{
        Session,
        function::Functions,
        lines::{self, Detail, Line, Scope},
    },
    schema::Layout,
    window::Window,
};
use proptest::{
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::select,
    strategy::ValueTree,
    test_runner::TestRunner,
};

const ROWS: usize = 300;
const FILTERS: usize = 250;
const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";

fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "card", "Card", "CARD", "discard", "declined", "x", "é", "éa", "17", "0", "Kelvin", "ß", "\u{1}", "'", "\\",
    ])
}

fn gap() -> impl Strategy<Value = &'static str> {
    select(vec![" ", " ", "=", "_", "-", ".", "\n", "\t", "", "/", "  ", "\r\n", "\u{a0}"])
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec((gap(), word()), 0..5)
        .prop_map(|parts| parts.into_iter().flat_map(|(gap, word)| [gap, word]).collect::<String>().trim().to_owned())
}

fn value() -> impl Strategy<Value = String> {
    let odd = ["", "9912", "99.5", "-3", "--3", "1e3", "1e", "inf", "nan", "0x10", " 5", "5 ", "+5", "b=c", ".5", "5."];
    prop_oneof![select(odd.to_vec()).prop_map(str::to_owned), text()]
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["order", "a", "a=b", "card.code", "faas.version", "cloud.region", "absent", "it's `odd`"])
        .prop_map(str::to_owned)
}

fn map() -> impl Strategy<Value = Map> {
    proptest::collection::btree_map(name().prop_filter("never there", |name| name != "absent"), value(), 0..5)
}

fn made() -> impl Strategy<Value = Made> {
    let severity = select(vec![0_u8, 5, 9, 13, 17, 21]);
    (text(), severity, any::<bool>(), text(), map(), map()).prop_map(
        |(body, severity, traced, service, attributes, resource)| Made {
            body,
            severity,
            trace: if traced { TRACE.to_owned() } else { String::new() },
            service,
            attributes,
            resource,
        },
    )
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let part = prop_oneof![
        (gap(), word()).prop_map(|(gap, word)| regex(&format!("{gap}{word}"))),
        select(vec![r"\s", r"\d+", r"\w*", ".", "[^a-c]", "(?:x|card)", "=?", " +", r"\b", "_{0,1}", "[[:alpha:]]"])
            .prop_map(str::to_owned),
    ];
    let flag = select(vec!["", "", "^", "(?s)"]);
    let end = select(vec!["", "", "", "$", "|x"]);
    (flag, proptest::collection::vec(part, 0..4), end)
        .prop_map(|(flag, parts, end)| Pattern::new(&format!("{flag}{}{end}", parts.concat())).unwrap())
}

fn regex(literal: &str) -> String {
    Pattern::literal(literal).as_str().to_owned()
}

fn a_test() -> impl Strategy<Value = Test> {
    let comparison = select(vec![Comparison::Less, Comparison::AtMost, Comparison::AtLeast, Comparison::More]);
    prop_oneof![
        Just(Test::Exists),
        value().prop_map(Test::Equals),
        pattern().prop_map(Test::Matches),
        text().prop_map(|text| Test::Words(Words::new(&text))),
        (comparison, select(vec![0.0, 5.0, 99.5, 1e3, -3.0])).prop_map(|(one, with)| Test::Number(one, with)),
    ]
}

fn filter() -> BoxedStrategy<Filter> {
    let field = prop_oneof![
        3 => Just(Field::Body),
        1 => Just(Field::Service),
        3 => name().prop_map(Field::Attribute),
        2 => name().prop_map(Field::Resource),
    ];
    let leaf = prop_oneof![
        1 => Just(Filter::Everything),
        1 => select(vec![1_u8, 9, 17]).prop_map(Filter::Severity),
        1 => Just(Filter::Trace(TRACE.to_owned())),
        1 => value().prop_map(Filter::Invocation),
        9 => (field, a_test()).prop_map(|(of, test)| Filter::Field { of, test }),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ]
    })
    .boxed()
}

fn draw<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

async fn lines(session: &Session, filter: &Filter) -> Vec<Line> {
    // Neither names nor services select: what is tested is the filter alone.
    let functions = Functions::named("f");
    let detail = Detail { attributes: true, resource: true };
    let scope = Scope { functions: &functions, window: Window::all(session.opened_at()), filter, detail };
    let mut answer = lines::all(session, &scope).unwrap();
    let mut lines = Vec::new();
    while let Some(line) = answer.next().await.unwrap_or_else(|fault| panic!("{fault}: {filter:?}")) {
        lines.push(line);
    }
    lines
}

async fn server_and_client_agree(layout: Layout) {
    let mut runner = TestRunner::deterministic();
    let desk = Desk::new(layout).await;
    let rows: Vec<Made> = (0..ROWS)
        .map(|_| {
            let mut made = draw(&made(), &mut runner);
            made.resource.insert("faas.name".to_owned(), "f".to_owned());
            made
        })
        .collect();
    desk.insert(&rows).await;
    desk.execute("OPTIMIZE TABLE otel_logs FINAL").await;
    let session = desk.session().await;
    let all = lines(&session, &Filter::Everything).await;
    assert_eq!(all.len(), ROWS);
    let mut telling = 0;
    for _ in 0..FILTERS {
        let filter = draw(&filter(), &mut runner);
        let of_server: Vec<Line> = lines(&session, &filter).await;
        let of_client: Vec<Line> = all.iter().filter(|line| filter.matches(line)).cloned().collect();
        telling += usize::from(!of_client.is_empty() && of_client.len() < ROWS);
        let bodies = |lines: &[Line]| lines.iter().map(|line| format!("{line:?}")).collect::<Vec<_>>();
        assert_eq!(bodies(&of_server), bodies(&of_client), "{layout}: {filter:?}");
    }
    assert!(telling > FILTERS / 4, "{layout}: only {telling} filters chose some of the lines");
}

#[tokio::test]
async fn server_and_client_agree_on_every_filter_where_items_are_indexed() {
    server_and_client_agree(Layout::Items).await;
}

#[tokio::test]
async fn server_and_client_agree_on_every_filter_where_maps_are_looked_into() {
    for layout in [Layout::TimestampTime, Layout::MapValues, Layout::Compat, Layout::SeverityFirst] {
        server_and_client_agree(layout).await;
    }
}

#[tokio::test]
async fn server_and_client_agree_on_every_filter_where_attributes_are_json() {
    server_and_client_agree(Layout::Json).await;
}
