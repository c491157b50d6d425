//! The emulated platform itself: what a function and a raw extension see of it.

use lambdaview_tests::{
    function::Sample,
    lambda::{Lambda, Settings, Status},
};
use serde_json::json;
use std::time::Duration;

fn settings(sample: Sample) -> Settings {
    let program = sample.program().expect("the sample functions can be run");
    Settings::new(sample.module(), program).timeout(Duration::from_secs(20))
}

#[tokio::test]
async fn a_python_function_answers_and_what_it_prints_becomes_events() {
    let lambda = Lambda::start(settings(Sample::Orders)).await.unwrap();
    let invocation = lambda.invoke(json!({"order": 17, "items": [{"sku": "espresso", "count": 2}]})).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
    assert_eq!(invocation.payload["price"], 4.8);
    assert_eq!(lambda.stop().await.killed, Vec::<String>::new());
}
