//! The API: valid, invalid and hostile requests.

use std::time::Duration;

use crate::client::{data_url, image_of, png, post, request, router, send};
use crate::support::Painter;
use anyface::image::read_mark;
use anyface_server::{Config, Server};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

#[tokio::test]
async fn images_are_marked_with_prompt_and_seed() {
    let router = router(Config::default());
    let asked = json!({"prompt": "an old sailor", "n": 3, "seed": 7, "model": "gpt-image-1"});
    let (status, many) = post(&router, "/v1/images/generations", &asked).await;
    assert_eq!(status, 200);
    let many = many["data"].as_array().expect("images").clone();
    assert_eq!(many.len(), 3);
    let asked = json!({"prompt": "an old sailor", "seed": 9});
    let (_, one) = post(&router, "/v1/images/generations", &asked).await;
    assert_eq!(one["data"][0], many[2]);
    assert_eq!(many[2]["seed"], 9);
    let mark = read_mark(&image_of(&many[2])).expect("a mark");
    assert_eq!(mark.prompt.as_deref(), Some("an old sailor"));
    assert_eq!((mark.seed, mark.model.as_str()), (Some(9), "painter"));

    let config = Config {
        mark_prompts: false,
        ..Config::default()
    };
    let (_, silent) = post(&self::router(config), "/v1/images/generations", &asked).await;
    let mark = read_mark(&image_of(&silent["data"][0])).expect("a mark");
    assert_eq!((mark.prompt, mark.seed), (None, None));
}

#[tokio::test]
async fn words_that_are_not_understood_are_named() {
    let router = router(Config::default());
    let prompt = "a glorbish child with zorple hair";
    let words = json!(["glorbish", "zorple"]);
    let asked = json!({"prompt": prompt});
    let (_, images) = post(&router, "/v1/images/generations", &asked).await;
    assert_eq!(images["data"][0]["not_understood"], words);
    let asked = json!({"from": {"words": {"prompt": prompt}}});
    let (_, face) = post(&router, "/v1/faces", &asked).await;
    assert_eq!(face["not_understood"], words);
    let asked = json!({"from": {"words": {"prompt": "a child"}}});
    let (_, clear) = post(&router, "/v1/faces", &asked).await;
    assert!(clear.get("not_understood").is_none(), "{clear}");
}

/// Invalid requests, each with the code of the error and the field that it names.
fn wrong_fields() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            json!({"prompt": "a face", "colour": 1}),
            "unknown_parameter",
            "colour",
        ),
        (
            json!({"prompt": "a face", "style": "loud"}),
            "invalid_value",
            "style",
        ),
        (json!({"prompt": "a face", "n": 0}), "invalid_value", "n"),
        (json!({"prompt": "a face", "n": 11}), "invalid_value", "n"),
        (
            json!({"prompt": "a face", "n": "two"}),
            "invalid_value",
            "n",
        ),
        (
            json!({"prompt": "a face", "seed": -1}),
            "invalid_value",
            "seed",
        ),
        (
            json!({"prompt": "a face", "truncation": 1.5}),
            "invalid_value",
            "truncation",
        ),
        (
            json!({"prompt": "a face", "size": "1024x4096"}),
            "invalid_value",
            "size",
        ),
        (
            json!({"prompt": "a face", "size": "99999999999x1"}),
            "invalid_value",
            "size",
        ),
        (
            json!({"prompt": "a face", "background": "blurred"}),
            "invalid_value",
            "background",
        ),
        (
            json!({"prompt": "a face", "background": "transparent", "output_format": "jpeg"}),
            "invalid_value",
            "background",
        ),
        (
            json!({"prompt": "a face", "output_format": "gif"}),
            "invalid_value",
            "output_format",
        ),
        (
            json!({"prompt": "a face", "output_compression": 101}),
            "invalid_value",
            "output_compression",
        ),
        (
            json!({"prompt": "a face", "partial_images": 1}),
            "invalid_value",
            "partial_images",
        ),
        (json!({"prompt": " \n"}), "invalid_value", "prompt"),
        (
            json!({"prompt": "x".repeat(32_001)}),
            "invalid_value",
            "prompt",
        ),
    ]
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let router = router(Config::default());
    for (asked, code, param) in wrong_fields() {
        let (status, answer) = post(&router, "/v1/images/generations", &asked).await;
        let error = &answer["error"];
        assert_eq!(status, 400, "{asked} {answer}");
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &json!(param)),
            "{answer}"
        );
        assert_eq!(error["type"], "invalid_request_error");
    }
    let asked = json!({"prompt": "a face", "model": "none"});
    let (status, answer) = post(&router, "/v1/images/generations", &asked).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn streams_send_partial_images_first() {
    let router = router(Config::default());
    let asked = json!({"prompt": "a face", "n": 2, "stream": true, "partial_images": 2, "seed": 3});
    let (status, body) = send(&router, request("/v1/images/generations", &asked)).await;
    assert_eq!(status, 200);
    let body = String::from_utf8(body).expect("text");
    let events: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect();
    let kinds: Vec<_> = events
        .iter()
        .map(|e| {
            (
                e["type"].as_str().expect("a type"),
                e["index"].as_u64(),
                e["partial_image_index"].as_u64(),
            )
        })
        .collect();
    let (partial, done) = (
        "image_generation.partial_image",
        "image_generation.completed",
    );
    let face = |i| {
        [
            (partial, Some(i), Some(0)),
            (partial, Some(i), Some(1)),
            (done, Some(i), None),
        ]
    };
    assert_eq!(kinds, [face(0), face(1)].concat());
    assert_eq!(events[5]["seed"], 4);
    assert_eq!(events[5]["usage"]["input_tokens"], 2);

    let failing = json!({"prompt": "failure", "stream": true});
    let (_, body) = send(&router, request("/v1/images/generations", &failing)).await;
    let body = String::from_utf8(body).expect("text");
    assert!(
        body.starts_with("event: error\ndata: {\"error\":"),
        "{body}"
    );
}

#[tokio::test]
async fn a_photograph_keeps_its_details_in_a_chain_of_edits() {
    let router = router(Config::default());
    let photo = data_url(&png(200, 200));
    let first = json!({"from": {"image": photo}, "photograph": {"image": photo}});
    let (status, first) = post(&router, "/v1/faces", &first).await;
    assert_eq!(status, 200, "{first}");
    let picture = |face: &Value| {
        let picture = image::load_from_memory(&image_of(face)).expect("a picture");
        picture.into_rgb8()
    };
    let own = image::load_from_memory(&png(200, 200))
        .expect("a picture")
        .into_rgb8();
    assert_eq!(picture(&first), own, "nothing has changed yet");
    let step = |edit: &str, whole: bool| {
        json!({
            "from": {"latent": first["latent"]},
            "edits": [{"prompt": edit}],
            "photograph": {"image": photo, "latent": first["latent"], "whole": whole},
        })
    };
    let (_, still) = post(&router, "/v1/faces", &step("nothing", true)).await;
    assert_eq!(picture(&still), own);
    let (_, changed) = post(&router, "/v1/faces", &step("older", false)).await;
    assert_ne!(picture(&changed), own);
    let mut wrong = step("older", false);
    wrong["photograph"]["latent"] = json!("AAAA");
    let (status, answer) = post(&router, "/v1/faces", &wrong).await;
    let param = json!("photograph.latent");
    assert_eq!((status.as_u16(), &answer["error"]["param"]), (400, &param));
}

#[tokio::test]
async fn a_server_has_several_models() {
    let router = router(Config::default());
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let (_, list) = send(&router, get("/v1/models")).await;
    let list: Value = serde_json::from_slice(&list).expect("JSON");
    let names: Vec<_> = list["data"].as_array().expect("models").iter().collect();
    assert_eq!(
        (&names[0]["id"], &names[1]["id"]),
        (&json!("painter"), &json!("sketcher"))
    );
    assert!(
        names[2..]
            .iter()
            .all(|model| model["alias_of"] == "painter")
    );
    for (asked, made_by) in [
        (None, "painter"),
        (Some("dall-e-3"), "painter"),
        (Some("sketcher"), "sketcher"),
    ] {
        let asked = json!({"from": {"words": {"prompt": "a face"}}, "model": asked});
        let (status, face) = post(&router, "/v1/faces", &asked).await;
        assert_eq!(status, 200, "{face}");
        let mark = read_mark(&image_of(&face)).expect("a mark");
        assert_eq!(mark.model, made_by);
    }
    let twins = ["painter", "painter"].map(|name| Painter::boxed(Duration::ZERO, name));
    assert!(Server::start(twins.into(), None, Config::default()).is_err());
    assert!(Server::start(Vec::new(), None, Config::default()).is_err());
}

#[tokio::test]
async fn a_face_is_described() {
    let router = router(Config::default());
    let asked = json!({"image": data_url(&png(40, 40))});
    let (status, answer) = post(&router, "/v1/describe", &asked).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["description"], "A painted face.");
    assert!(answer["attributes"]["Bright"].as_f64().expect("a number") > 0.0);
    let whole = json!([{"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0}]);
    assert_eq!(answer["faces"], whole);
    for (wrong, param) in [
        (json!({"image": "https://example.org/a.png"}), "image"),
        (json!({"image": data_url(&png(40, 40)), "face": 1}), "image"),
        (json!({"face": 0}), "image"),
    ] {
        let (status, answer) = post(&router, "/v1/describe", &wrong).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]["param"]),
            (400, &json!(param))
        );
    }
}

#[tokio::test]
async fn a_decompression_bomb_is_refused_by_its_header() {
    let router = router(Config::default());
    // 65 500 × 65 500 pixels of one colour: 12 GB from a few kilobytes.
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 65_500, 65_500);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    writer
        .write_chunk(png::chunk::IDAT, &[0; 4096])
        .expect("data");
    drop(writer);
    let asked = json!({"from": {"image": data_url(&file)}});
    let (status, answer) = post(&router, "/v1/faces", &asked).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["code"]),
        (400, &json!("invalid_image"))
    );
    let message = answer["error"]["message"].as_str().expect("text");
    assert!(message.contains("50 megapixels at most"), "{message}");
    for broken in [&png(8, 8)[..40], b"GIF89a", b""] {
        let asked = json!({"from": {"image": data_url(broken)}});
        let (status, answer) = post(&router, "/v1/faces", &asked).await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test]
async fn a_chain_of_edits_gives_the_same_in_one_or_several_requests() {
    let router = router(Config::default());
    let words = json!({"words": {"prompt": "a face", "seed": 5}});
    let steps = [
        json!({"prompt": "older", "strength": 0.5}),
        json!({"prompt": "smiling", "strength": -0.25}),
    ];
    let (status, at_once) = post(
        &router,
        "/v1/faces",
        &json!({"from": words, "edits": steps}),
    )
    .await;
    assert_eq!(status, 200, "{at_once}");
    let (_, mut face) = post(&router, "/v1/faces", &json!({"from": words})).await;
    for step in steps {
        let asked = json!({"from": {"latent": face["latent"]}, "edits": [step]});
        face = post(&router, "/v1/faces", &asked).await.1;
    }
    assert_eq!(face["latent"], at_once["latent"]);
    let mark = read_mark(&image_of(&at_once)).expect("a mark");
    assert_eq!(
        mark.prompt.as_deref(),
        Some("a face → older (+0.5) → smiling (-0.25)")
    );

    let mix = json!({"from": {"mix": {"from": face["latent"], "to": at_once["latent"], "t": 0.5}}});
    let (status, mixed) = post(&router, "/v1/faces", &mix).await;
    assert_eq!((status.as_u16(), &mixed["latent"]), (200, &face["latent"]));
    for wrong in [
        json!({"latent": "AAAA"}),
        json!({"latent": ""}),
        json!({"image": "https://example.org/a.png"}),
        json!({"other": 1}),
    ] {
        let (status, answer) = post(&router, "/v1/faces", &json!({"from": wrong})).await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test]
async fn a_model_without_an_encoder_refuses_photos_only() {
    let studio = Painter {
        pause: Duration::ZERO,
        name: "painter",
        inverts: false,
    };
    let server = Server::start(vec![Box::new(studio)], None, Config::default()).expect("a thread");
    let router = server.router();
    let models = Request::get("/v1/models/painter").body(Body::empty());
    let (_, model) = send(&router, models.expect("a request")).await;
    let model: Value = serde_json::from_slice(&model).expect("JSON");
    assert_eq!(
        (&model["photos"], &model["edits"]),
        (&json!(false), &json!(true))
    );
    let words = json!({"from": {"words": {"prompt": "a face", "seed": 1}}});
    let (status, face) = post(&router, "/v1/faces", &words).await;
    assert_eq!(status, 200, "{face}");
    let latent = &face["latent"];
    let edit = json!({"from": {"latent": latent}, "edits": [{"prompt": "older"}]});
    assert_eq!(post(&router, "/v1/faces", &edit).await.0, 200);
    let photo = data_url(&png(64, 64));
    let kept = json!({"image": photo, "latent": latent});
    for (path, asked) in [
        ("/v1/faces", json!({"from": {"image": photo}})),
        (
            "/v1/faces",
            json!({"from": {"latent": latent}, "photograph": kept}),
        ),
        (
            "/v1/images/edits",
            json!({"images": [{"image_url": photo}], "prompt": "older"}),
        ),
    ] {
        let (status, answer) = post(&router, path, &asked).await;
        let error = &answer["error"];
        assert_eq!(
            (status.as_u16(), &error["code"]),
            (501, &json!("not_implemented"))
        );
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("no encoder"), "{path}: {message}");
    }
}

#[tokio::test]
async fn malformed_requests_get_the_right_status() {
    let config = Config {
        max_body: 1 << 20,
        ..Config::default()
    };
    let router = router(config);
    let path = "/v1/images/generations";
    let raw = |kind: &str, body: &'static [u8]| {
        Request::post(path)
            .header("content-type", kind)
            .body(Body::from(body))
            .expect("a request")
    };
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let large = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(vec![b' '; 2 << 20]))
        .expect("a request");
    let cases = [
        (raw("application/json", b"{\"prompt\": "), 400),
        (raw("application/json", b"{} {}"), 400),
        (raw("application/json", b"\xFF\xFE"), 400),
        (raw("application/json", b"[]"), 400),
        (raw("text/plain", b"{\"prompt\": \"a face\"}"), 415),
        (raw("", b""), 415),
        (large, 413),
        (get(path), 405),
        (get("/v1/nothing"), 404),
        (get("/v1/models/none"), 404),
        (get("/page/../Cargo.toml"), 404),
        (get("/page/..%2f..%2fCargo.toml"), 404),
        (get("/page//etc/passwd"), 404),
    ];
    for (request, expected) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        let (status, body) = send(&router, request).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status.as_u16(), expected, "{what} {answer}");
        assert!(answer["error"]["message"].is_string());
    }
    let deep = raw("application/json", "[".repeat(100_000).leak().as_bytes());
    assert_eq!(send(&router, deep).await.0, 400);
}

#[tokio::test]
async fn keys_rates_and_sites_are_checked() {
    let config = Config {
        keys: vec!["secret".to_owned()],
        faces_per_minute: std::num::NonZeroU32::new(2),
        ..Config::default()
    };
    let guarded = router(config);
    let asked = |key: &str| {
        let mut request = request(
            "/v1/images/generations",
            &json!({"prompt": "a face", "n": 2}),
        );
        let headers = request.headers_mut();
        headers.insert(
            "authorization",
            format!("Bearer {key}").parse().expect("a header"),
        );
        request
    };
    assert_eq!(send(&guarded, asked("wrong")).await.0, 401);
    assert_eq!(send(&guarded, asked("secret")).await.0, 200);
    let response = guarded
        .clone()
        .oneshot(asked("secret"))
        .await
        .expect("an answer");
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    let page = Request::get("/").body(Body::empty()).expect("a request");
    assert_eq!(send(&guarded, page).await.0, 200);

    let open = router(Config::default());
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
    ] {
        let mut request = request("/v1/images/generations", &json!({"prompt": "a face"}));
        request
            .headers_mut()
            .insert(name, value.parse().expect("a header"));
        assert_eq!(send(&open, request).await.0, 403, "{name} {value}");
    }
}

#[tokio::test]
async fn a_failure_of_the_studio_fails_one_request() {
    let router = router(Config::default());
    for fault in ["panic", "failure"] {
        let (status, answer) = post(
            &router,
            "/v1/images/generations",
            &json!({"prompt": fault, "n": 3}),
        )
        .await;
        assert_eq!(
            (status.as_u16(), &answer["error"]["type"]),
            (500, &json!("server_error"))
        );
        assert!(
            !answer.to_string().contains("as asked"),
            "the reason belongs into the log only"
        );
    }
    let (status, _) = post(
        &router,
        "/v1/images/generations",
        &json!({"prompt": "a face"}),
    )
    .await;
    assert_eq!(status, 200);
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let (_, metrics) = send(&router, get("/metrics")).await;
    let metrics = String::from_utf8(metrics).expect("text");
    assert!(metrics.contains("anyface_queue_depth 0"), "{metrics}");
    assert_eq!(send(&router, get("/ready")).await.0, 200);
}

#[test]
fn the_checked_in_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let current = anyface_server::openapi();
    if std::env::var_os("ANYFACE_BLESS").is_some() {
        std::fs::write(path, &current).expect("written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == current,
        "openapi.json is outdated: run this test with ANYFACE_BLESS=1"
    );
}
