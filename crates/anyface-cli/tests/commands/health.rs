//! `anyface health` reports the state of a server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use assert_cmd::Command;
use predicates::prelude::*;

/// Starts a server that answers one request with `status`; returns its URL.
fn server(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).expect("a request");
        assert!(request[..length].starts_with(b"GET /ready "));
        let head = "content-length: 0\r\nconnection: close";
        write!(stream, "HTTP/1.1 {status}\r\n{head}\r\n\r\n").expect("an answer");
    });
    format!("http://{address}")
}

fn health(server: &str) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("anyface").expect("the binary");
    command.args(["health", server]);
    command.assert()
}

#[test]
fn a_ready_server_is_healthy() {
    let message = predicate::str::contains("ready");
    health(&server("200 OK")).success().stdout(message);
}

#[test]
fn a_stopping_server_is_not_healthy() {
    let address = server("503 Service Unavailable");
    let message = predicate::str::contains("503").and(predicate::str::contains(&address));
    health(&address).failure().stderr(message);
}

#[test]
fn the_error_without_a_server_names_the_address() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let message = predicate::str::contains(&address);
    health(&address).failure().code(1).stderr(message);
}
