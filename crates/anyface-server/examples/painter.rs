//! The server with a studio that paints faces without networks, for the tests of the page. The
//! arguments are the address, the milliseconds per face and the capacity of the queue:
//! `cargo run --release -p anyface-server --example painter -- 127.0.0.1:8080 20 64`.

#[path = "../tests/service/support/mod.rs"]
mod support;

use std::io::Write;
use std::time::Duration;

use anyface_server::{Config, Server};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let bind = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let pause = Duration::from_millis(number(args.next()).unwrap_or(20));
    let config = Config {
        queue: number(args.next()).unwrap_or(64) as usize,
        ..Config::default()
    };
    let listener = tokio::net::TcpListener::bind(bind).await?;
    writeln!(std::io::stdout(), "http://{}/", listener.local_addr()?)?;
    let studios = ["painter", "sketcher"].map(|name| support::Painter::boxed(pause, name));
    let server = Server::start(studios.into(), None, config)?;
    server.serve(listener, std::future::pending()).await
}
