//! The server over real connections: a full queue, disconnecting clients, timeouts and shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::Painter;
use anyface_server::{Config, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const BODY: &str = r#"{"prompt": "a face", "n": 4}"#;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<std::io::Result<()>>,
}

async fn start(pause: Duration, config: Config) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server =
        Server::start(vec![Painter::boxed(pause, "painter")], None, config).expect("a thread");
    let (stop, stopped) = oneshot::channel::<()>();
    let done = tokio::spawn(server.serve(listener, async {
        stopped.await.ok();
    }));
    Running {
        address,
        stop,
        done,
    }
}

async fn ask(address: SocketAddr, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an answer");
    String::from_utf8(text).expect("text")
}

async fn metric(address: SocketAddr, name: &str) -> f64 {
    let text = answer(ask(address, "GET /metrics", "").await).await;
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.and_then(|value| value.parse().ok()).expect("a value")
}

async fn until_idle(address: SocketAddr) {
    while metric(address, "anyface_queue_depth ").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_disconnects_make_room() {
    let config = Config {
        queue: 8,
        batch: 1,
        ..Config::default()
    };
    let server = start(Duration::from_millis(100), config).await;
    let post = "POST /v1/images/generations";
    let first = ask(server.address, post, BODY).await;
    let second = ask(server.address, post, BODY).await;
    while metric(server.address, "anyface_queue_depth ").await < 7.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let start = std::time::Instant::now();
    let refused = answer(ask(server.address, post, BODY).await).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    assert!(
        start.elapsed() < Duration::from_millis(90),
        "refused at once"
    );
    // The second request waits for the first, which takes 400 ms. Its disconnect makes room.
    drop(second);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let third = answer(ask(server.address, post, BODY).await).await;
    assert!(third.starts_with("HTTP/1.1 200"));
    assert!(answer(first).await.starts_with("HTTP/1.1 200"));
    assert_eq!(metric(server.address, "anyface_cancelled_total").await, 1.0);
    assert_eq!(metric(server.address, "anyface_queue_depth ").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_disconnects_leak_nothing() {
    let server = start(Duration::from_millis(1), Config::default()).await;
    let post = "POST /v1/images/generations";
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    answer(ask(server.address, post, BODY).await).await;
    let before = descriptors();
    for round in 0..1000_u64 {
        let stream = ask(server.address, post, BODY).await;
        tokio::time::sleep(Duration::from_micros(round % 7 * 300)).await;
        drop(stream);
    }
    until_idle(server.address).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        descriptors() <= before + 2,
        "{before} before, {} after",
        descriptors()
    );
    let ok = answer(ask(server.address, post, BODY).await).await;
    assert!(ok.starts_with("HTTP/1.1 200"));
    assert_eq!(ok.matches("b64_json").count(), 4);
}

#[tokio::test]
async fn running_requests_are_finished_at_shutdown() {
    let server = start(Duration::from_millis(50), Config::default()).await;
    let post = "POST /v1/images/generations";
    let asked = ask(server.address, post, BODY).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    server.stop.send(()).expect("running");
    let text = answer(asked).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    server.done.await.expect("no panic").expect("a clean end");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_arrive_time_out() {
    let limit = Duration::from_millis(100);
    let config = Config {
        timeout: limit,
        head_timeout: limit,
        ..Config::default()
    };
    let server = start(Duration::ZERO, config).await;
    let mut half_a_head = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    half_a_head.write_all(b"GET / HT").await.expect("sent");
    let idle = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    for silent in [half_a_head, idle] {
        assert_eq!(answer(silent).await, "");
    }
    for kind in ["application/json", "multipart/form-data; boundary=x"] {
        let mut half_a_body = TcpStream::connect(server.address)
            .await
            .expect("a connection");
        let head = format!(
            "POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: {kind}\r\nContent-Length: 9\r\n\r\n--x"
        );
        half_a_body.write_all(head.as_bytes()).await.expect("sent");
        let text = answer(half_a_body).await;
        assert!(text.starts_with("HTTP/1.1 408"), "{text}");
        assert!(text.contains("body_too_slow"), "{text}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_times_out() {
    let config = Config {
        timeout: Duration::from_millis(120),
        ..Config::default()
    };
    let server = start(Duration::from_millis(50), config).await;
    let text = answer(ask(server.address, "POST /v1/images/generations", BODY).await).await;
    assert!(text.starts_with("HTTP/1.1 504"), "{text}");
    until_idle(server.address).await;
}
