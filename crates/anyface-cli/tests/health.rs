//! `anyface health` says what a server says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use assert_cmd::Command;
use predicates::prelude::*;

/// The address of a server that answers one request with this status.
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
fn a_server_that_is_ready_is_well() {
    let said = predicate::str::contains("ready");
    health(&server("200 OK")).success().stdout(said);
}

#[test]
fn a_server_that_stops_is_not() {
    let address = server("503 Service Unavailable");
    let said = predicate::str::contains("503").and(predicate::str::contains(&address));
    health(&address).failure().stderr(said);
}

#[test]
fn where_no_server_is_the_address_is_named() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let said = predicate::str::contains(&address);
    health(&address).failure().code(1).stderr(said);
}
