//! The client against a real service, which is stopped and started again.

use std::time::Duration;

use axum::Router;
use node0::Monitoring;
use stream_client::{Backoff, Client, Message, News};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Starts a service that ends with its runtime.
fn serve(address: &str) -> (Runtime, std::net::SocketAddr) {
    let runtime = Runtime::new().expect("a runtime");
    let address = runtime.block_on(async {
        let monitoring = Monitoring::builder().enable_streaming().build().expect("a monitoring");
        let listener = node0::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let routes: Router = monitoring.routes().expect("the registry has room");
        tokio::spawn(async move { monitoring.serve(listener, routes).await });
        address
    });
    (runtime, address)
}

/// Waits for a message that fits.
async fn hear(news: &mut UnboundedReceiver<News>, fits: impl Fn(&Message) -> bool) -> Message {
    loop {
        match news.recv().await.expect("the client runs") {
            News::Message(message) if fits(&message) => return message,
            _ => {}
        }
    }
}

#[test]
fn client_goes_on_when_the_service_is_back() {
    let (service, address) = serve("127.0.0.1:0");
    let quick = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
    let url = format!("ws://{address}/metrics/stream?metrics=cache");
    let client = Client::new(url).topic("system", Duration::from_millis(200)).backoff(quick);
    let (sender, mut news) = unbounded_channel();
    let own = Runtime::new().expect("a runtime");
    own.spawn(client.follow(move |heard| drop(sender.send(heard))));

    let is_snapshot = |message: &Message| message.kind == "snapshot";
    let is_update =
        |message: &Message| message.kind == "update" && message.data["system"].is_object();
    own.block_on(hear(&mut news, is_snapshot));
    own.block_on(hear(&mut news, is_update));
    service.shutdown_background();

    let (_service, _) = serve(&address.to_string());
    own.block_on(hear(&mut news, is_snapshot));
    own.block_on(hear(&mut news, is_update));
}
