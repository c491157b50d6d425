//! A shop of four functions in any layout, each as another sender writes of it, for the questions about invocations.

use lambdaview_queries::schema::Layout;

use crate::desk::Desk;

/// The rows of `tests/fixtures/sql/rows/senders_*.sql` in tables of that layout.
pub(crate) async fn shop(layout: Layout) -> Desk {
    let desk = Desk::new(layout).await;
    let map = if layout == Layout::Json { "toJSONString" } else { "materialize" };
    for rows in
        [include_str!("../fixtures/sql/rows/senders_spans.sql"), include_str!("../fixtures/sql/rows/senders_logs.sql")]
    {
        desk.execute(&rows.replace("{map}", map)).await;
    }
    desk
}
