//! The engine that the other tests stand on.

use lambdaview_tests::clickhouse::Database;

#[tokio::test]
async fn each_test_has_a_database_of_its_own_with_clickstacks_tables() {
    let (one, other) = tokio::join!(Database::create(), Database::create());
    assert_ne!(one.name, other.name);
    assert!(one.lines("nobody").await.unwrap().is_empty());
    assert!(other.spans("nothing").await.unwrap().is_empty());
}
