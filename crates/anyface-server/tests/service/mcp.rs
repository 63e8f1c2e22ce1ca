//! The tools of the Model Context Protocol.

use crate::client::{data_url, image_of, png, post, router, send};
use anyface_server::Config;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// A message of a client.
fn message(method: &str, params: &Value) -> Request<Body> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

async fn ask(router: &Router, method: &str, params: Value) -> Value {
    let (status, body) = send(router, message(method, &params)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    answer["result"].clone()
}

async fn call(router: &Router, tool: &str, arguments: Value) -> Value {
    let answer = ask(
        router,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
    .await;
    assert_ne!(answer["isError"], true, "{answer}");
    answer
}

/// Calls a tool with invalid arguments; returns the error.
async fn refusal(router: &Router, tool: &str, arguments: Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let answer = ask(router, "tools/call", params).await;
    assert_eq!(answer["isError"], true, "{answer}");
    answer["content"][0]["text"]
        .as_str()
        .expect("a text")
        .to_owned()
}

fn picture(answer: &Value, place: usize) -> Vec<u8> {
    let content = &answer["content"][place];
    assert_eq!(
        (&content["type"], &content["mimeType"]),
        (&json!("image"), &json!("image/png"))
    );
    let data = content["data"].as_str().expect("a picture");
    BASE64_STANDARD.decode(data).expect("base64")
}

#[tokio::test]
async fn the_tools_are_listed() {
    let router = router(Config::default());
    let client = json!({"name": "test", "version": "1"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let server = ask(&router, "initialize", hello).await;
    assert_eq!(server["serverInfo"]["name"], "anyface");
    let instructions = server["instructions"].as_str().expect("instructions");
    assert!(instructions.contains("painter, sketcher"), "{instructions}");
    let tools = ask(&router, "tools/list", json!({})).await;
    let tools = tools["tools"].as_array().expect("tools");
    let listed: Vec<_> = tools
        .iter()
        .map(|tool| (&tool["name"], &tool["inputSchema"]["required"]))
        .collect();
    let wanted = [
        (json!("generate"), json!(["prompt"])),
        (json!("edit"), json!(["face", "prompt"])),
        (json!("describe"), json!(["face"])),
    ];
    let wanted: Vec<_> = wanted.iter().map(|(name, must)| (name, must)).collect();
    assert_eq!(listed, wanted);
    for tool in tools {
        let properties = tool["inputSchema"]["properties"].as_object();
        for (name, property) in properties.expect("properties") {
            assert!(property["description"].is_string(), "{name} {tool}");
        }
    }
}

#[tokio::test]
async fn a_face_is_edited_and_described_by_its_name() {
    let router = router(Config::default());
    let asked = json!({"prompt": "an old sailor", "n": 2, "seed": 7});
    let drawn = call(&router, "generate", asked.clone()).await;
    let (_, images) = post(&router, "/v1/images/generations", &asked).await;
    let faces = &drawn["structuredContent"]["faces"];
    for place in [0, 1] {
        assert_eq!(picture(&drawn, place), image_of(&images["data"][place]));
        assert_eq!(faces[place]["seed"], 7 + place);
    }
    let text = drawn["content"][2]["text"].as_str().expect("a text");
    let text: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(text, drawn["structuredContent"]);

    let name = faces[1]["face"].as_str().expect("a name");
    let change = json!({"face": name, "prompt": "older", "strength": 0.5});
    let changed = call(&router, "edit", change).await;
    let file = Request::get(format!("/files/{name}"));
    let file = file.body(Body::empty()).expect("a request");
    let (status, latent) = send(&router, file).await;
    assert_eq!(status, StatusCode::OK);
    let latent = String::from_utf8(latent).expect("text");
    let edits = json!([{"prompt": "older", "strength": 0.5}]);
    let asked = json!({"from": {"latent": latent}, "edits": edits});
    let (_, face) = post(&router, "/v1/faces", &asked).await;
    assert_eq!(picture(&changed, 0), image_of(&face));
    // The latent itself gives the same face as its name.
    let change = json!({"face": latent, "prompt": "older", "strength": 0.5});
    let same = call(&router, "edit", change).await;
    assert_eq!(picture(&same, 0), picture(&changed, 0));

    let seen = call(&router, "describe", json!({"face": name})).await;
    let asked = json!({"image": data_url(&picture(&drawn, 1))});
    let (_, described) = post(&router, "/v1/describe", &asked).await;
    assert_eq!(seen["structuredContent"], described);
}

#[tokio::test]
async fn a_photo_keeps_its_details_through_several_edits() {
    let router = router(Config::default());
    let photo = png(200, 160);
    let change = json!({"face": data_url(&photo), "prompt": "older"});
    let changed = call(&router, "edit", change).await;
    let first = picture(&changed, 0);
    let size = |file: &[u8]| {
        let picture = image::load_from_memory(file).expect("a picture");
        (picture.width(), picture.height())
    };
    assert_eq!(size(&first), (200, 160));
    let name = &changed["structuredContent"]["faces"][0]["face"];
    let change = json!({"face": name, "prompt": "smiling"});
    let again = call(&router, "edit", change).await;
    let images = json!([{"image_url": data_url(&first)}]);
    let asked = json!({"images": images, "prompt": "smiling"});
    let (_, image) = post(&router, "/v1/images/edits", &asked).await;
    assert_eq!(picture(&again, 0), image_of(&image["data"][0]));
}

#[tokio::test]
async fn errors_are_results_for_the_language_model() {
    let router = router(Config::default());
    let name = format!("{}.latent", "0".repeat(32));
    for (tool, arguments, says) in [
        ("generate", json!({}), "`prompt` is missing"),
        (
            "generate",
            json!({"prompt": "a face", "colour": 1}),
            "colour",
        ),
        (
            "generate",
            json!({"prompt": "a face", "n": 11}),
            "n must be between 1 and 10",
        ),
        (
            "generate",
            json!({"prompt": "a face", "model": "none"}),
            "'none' does not exist",
        ),
        (
            "edit",
            json!({"face": name, "prompt": "older"}),
            "of the last hour",
        ),
        (
            "edit",
            json!({"face": "AAAA", "prompt": "older"}),
            "a latent must be",
        ),
        (
            "describe",
            json!({"face": "data:image/png;base64,AAAA"}),
            "the upload",
        ),
        ("paint", json!({}), "there is no such tool"),
    ] {
        let error = refusal(&router, tool, arguments).await;
        assert!(error.contains(says), "{tool}: {error}");
    }
}

#[tokio::test]
async fn tools_need_a_key_and_the_same_site() {
    let config = Config {
        keys: vec!["secret".to_owned()],
        faces_per_minute: std::num::NonZeroU32::new(2),
        ..Config::default()
    };
    let guarded = router(config);
    let call = json!({"name": "generate", "arguments": {"prompt": "a face", "n": 2}});
    assert_eq!(send(&guarded, message("tools/call", &call)).await.0, 401);
    let with_key = || {
        let mut asked = message("tools/call", &call);
        let key = "Bearer secret".parse().expect("a header");
        asked.headers_mut().insert("authorization", key);
        asked
    };
    assert_eq!(send(&guarded, with_key()).await.0, 200);
    // The rate limit is per key, for all endpoints together.
    let (_, answer) = send(&guarded, with_key()).await;
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let error = answer["result"]["content"][0]["text"].to_string();
    assert!(error.contains("too many faces"), "{answer}");

    let open = router(Config::default());
    let mut foreign = message("tools/list", &json!({}));
    let site = "https://evil.example".parse().expect("a header");
    foreign.headers_mut().insert("origin", site);
    assert_eq!(send(&open, foreign).await.0, 403);
    let get = Request::get("/mcp").body(Body::empty()).expect("a request");
    assert_eq!(send(&open, get).await.0, 405);
}
