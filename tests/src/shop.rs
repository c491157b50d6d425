//! A small shop of three functions with the extension attached, and customers: what the demonstration runs.

use crate::{
    attach::{attached, sample},
    function::Sample,
    lambda::{Invocation, Lambda, Settings, Shutdown, Status},
};
use serde_json::{Value, json};
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The functions, in the order in which a customer's order passes them.
pub const FUNCTIONS: [&str; 3] = ["orders", "stock", "payments"];

/// Three functions, each in an environment of its own.
#[derive(Debug)]
pub struct Shop {
    orders: Lambda,
    stock: Lambda,
    payments: Lambda,
}

/// One invocation and the function that it was of.
#[derive(Clone, Debug)]
pub struct Served {
    /// The function's name.
    pub function: &'static str,
    /// What came out.
    pub invocation: Invocation,
}

impl Shop {
    /// Starts the functions, with an extension that sends to the collector's gRPC port.
    ///
    /// # Errors
    /// When the machine gives no port, shell or temporary folder.
    pub async fn open(collector: SocketAddr) -> io::Result<Self> {
        let function = |kind| attached(open_for_a_while(sample(kind)), collector);
        let (orders, stock, payments) = tokio::try_join!(
            Lambda::start(function(Sample::Orders)),
            Lambda::start(function(Sample::Stock).json_logs()),
            Lambda::start(function(Sample::Payments)),
        )?;
        Ok(Self { orders, stock, payments })
    }

    /// Serves customers until `lasting` is over; `served` hears of each invocation.
    pub async fn serve(&self, lasting: Duration, mut served: impl FnMut(&Served)) -> Vec<Served> {
        let until = Instant::now() + lasting;
        let mut all = Vec::new();
        let mut order = 1000;
        while Instant::now() < until {
            let (orders, stock, payments) = tokio::join!(
                self.orders.invoke(order_event(order)),
                self.stock.invoke(stock_event(order)),
                self.payments.invoke(payment_event(order)),
            );
            for (function, invocation) in FUNCTIONS.into_iter().zip([orders, stock, payments]) {
                all.push(Served { function, invocation });
                served(all.last().expect("one was pushed just now"));
            }
            order += 1;
        }
        all
    }

    /// Ends the functions, so that the extensions send what they still have.
    pub async fn close(self) -> [Shutdown; 3] {
        let (orders, stock, payments) = tokio::join!(self.orders.stop(), self.stock.stop(), self.payments.stop());
        [orders, stock, payments]
    }

    /// What happened in every environment, for the message of a fault.
    #[must_use]
    pub fn transcript(&self) -> String {
        [&self.orders, &self.stock, &self.payments].map(Lambda::transcript).join("\n")
    }
}

impl Served {
    /// Whether the function answered without an error.
    #[must_use]
    pub fn well(&self) -> bool {
        self.invocation.status == Status::Success
    }
}

fn open_for_a_while(settings: Settings) -> Settings {
    settings.timeout(Duration::from_secs(10)).memory_mb(256)
}

/// What customers buy, by the number of their order: now and then somebody wants more than the limit of a card.
fn items(order: u32) -> Value {
    match order % 12 {
        0 => json!([{ "sku": "grinder", "count": 3 }]),
        1..=4 => json!([{ "sku": "espresso", "count": 1 + order % 3 }]),
        5..=8 => json!([{ "sku": "filter" }, { "sku": "beans-250g", "count": 2 }]),
        _ => json!([{ "sku": "beans-1kg", "count": 1 + order % 4 }]),
    }
}

fn order_event(order: u32) -> Value {
    let items = if order.is_multiple_of(20) { json!([]) } else { items(order) };
    json!({ "order": order, "items": items, "milliseconds": 5 + order % 15 })
}

fn stock_event(order: u32) -> Value {
    let mut event = json!({ "order": order, "items": items(order), "milliseconds": 3 + order % 7 });
    if order.is_multiple_of(9) {
        event["short"] = json!("beans-1kg");
    }
    event
}

fn payment_event(order: u32) -> Value {
    json!({ "order": order, "items": items(order), "refund": order.is_multiple_of(7) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_a_dozen_customers_one_buys_more_than_a_card_allows() {
        let dear = (0..12).filter(|order| items(*order)[0]["sku"] == "grinder").count();
        assert_eq!(dear, 1);
    }

    #[test]
    fn a_refund_is_no_charge() {
        assert_eq!(payment_event(14)["refund"], true);
        assert_eq!(payment_event(15)["refund"], false);
    }
}
