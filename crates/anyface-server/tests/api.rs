//! The API by its answers: what programs that speak OpenAI's protocol send, and what hostile ones do.

mod support;

use std::io::Cursor;
use std::time::Duration;

use anyface::image::read_mark;
use anyface_server::{Config, Server};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{RgbImage, Rgba, RgbaImage};
use serde_json::{Value, json};
use support::Painter;
use tower::ServiceExt;

/// A server of two models.
fn router(config: Config) -> Router {
    let studios = ["painter", "sketcher"].map(|name| Painter::boxed(Duration::ZERO, name));
    let server = Server::start(studios.into(), None, config).expect("threads");
    server.router()
}

/// What a request is answered: its status, what was passed over, and the body.
async fn told(router: &Router, path: &str, body: &Value) -> (u16, String, Value) {
    let response = router.clone().oneshot(request(path, body)).await;
    let response = response.expect("an answer");
    let ignored = response.headers().get("anyface-ignored").cloned();
    let ignored = ignored.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    (
        status,
        ignored,
        serde_json::from_slice(&body).expect("JSON"),
    )
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await;
    (status, body.expect("a body").to_vec())
}

fn request(path: &str, body: &Value) -> Request<Body> {
    Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

async fn post(router: &Router, path: &str, body: &Value) -> (StatusCode, Value) {
    let (status, body) = send(router, request(path, body)).await;
    (status, serde_json::from_slice(&body).expect("JSON"))
}

/// Name, file name and content of a field of a form.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn form(parts: &[Part<'_>]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        let head =
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--edge--\r\n");
    Request::post("/v1/images/edits")
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(Body::from(body))
        .expect("a request")
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
    image
        .write_to(&mut file, image::ImageFormat::Png)
        .expect("a PNG file");
    file.into_inner()
}

fn data_url(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file))
}

fn image_of(item: &Value) -> Vec<u8> {
    let text = item["b64_json"].as_str().expect("an image");
    BASE64_STANDARD.decode(text).expect("base64")
}

#[tokio::test]
async fn images_carry_their_words_and_follow_their_seeds() {
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
async fn images_come_in_the_size_and_format_asked_for() {
    let router = router(Config::default());
    let asked = json!({"prompt": "a face", "size": "256x256", "output_format": "jpeg", "response_format": "url"});
    let (status, answer) = post(&router, "/v1/images/generations", &asked).await;
    assert_eq!((status.as_u16(), &answer["size"]), (200, &json!("256x256")));
    let url = answer["data"][0]["url"].as_str().expect("a URL");
    let path = url
        .strip_prefix("http://localhost")
        .expect("this server's address");
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    let (status, file) = send(&router, get(path)).await;
    assert_eq!(status, 200);
    let (status, _) = send(&router, get("/files/00000000000000000000000000000000.jpg")).await;
    assert_eq!(status, 404);
    let image = image::load_from_memory(&file).expect("a picture");
    assert_eq!(image.width(), 256);
    assert!(read_mark(&file).is_some());
}

#[tokio::test]
async fn a_person_is_cut_out_where_the_background_is_transparent() {
    let router = router(Config::default());
    for (background, answered) in [
        ("auto", "opaque"),
        ("opaque", "opaque"),
        ("transparent", "transparent"),
    ] {
        let asked = json!({"prompt": "a face", "background": background});
        let (status, answer) = post(&router, "/v1/images/generations", &asked).await;
        assert_eq!(status, 200);
        assert_eq!(answer["background"], answered);
        let file = image_of(&answer["data"][0]);
        assert!(read_mark(&file).is_some());
        let image = image::load_from_memory(&file).expect("a picture");
        // The test's studio paints no persons.
        assert_eq!(image.color().has_alpha(), answered == "transparent");
    }
}

/// Requests, the code of the error, and the field that it names.
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
async fn wrong_fields_are_refused_by_name() {
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
async fn streams_show_unfinished_pictures_first() {
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
async fn edits_are_the_same_as_form_and_as_json() {
    let router = router(Config::default());
    let photo = png(40, 30);
    let parts: [Part<'_>; 5] = [
        ("image[]", Some("me.png"), &photo),
        ("prompt", None, b"older"),
        ("strength", None, b"-0.5"),
        ("keep[]", None, b"hair"),
        ("keep[]", None, b"glasses"),
    ];
    let (status, body) = send(&router, form(&parts)).await;
    let as_form: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(status, 200, "{as_form}");
    let asked = json!({"images": [{"image_url": data_url(&photo)}], "prompt": "older", "strength": -0.5, "keep": ["hair", "glasses"]});
    let (status, as_json) = post(&router, "/v1/images/edits", &asked).await;
    assert_eq!(status, 200, "{as_json}");
    assert_eq!(as_form["data"], as_json["data"]);
}

#[tokio::test]
async fn forms_that_ask_for_what_is_not_there_are_refused() {
    let router = router(Config::default());
    let photo = png(20, 20);
    let image = ("image", Some("a.png"), &photo[..]);
    let prompt = ("prompt", None, &b"older"[..]);
    let mut bomb = vec![("keep", None, &b"x"[..]); 10_000];
    bomb.push(image);
    let many = [&[prompt][..], &[image; 17]].concat();
    let cases: [(&[Part<'_>], &str); 8] = [
        (&[image, prompt, ("mask", Some("m.png"), b"text")], "mask"),
        (&many, "image"),
        (&[prompt], "image"),
        (&[image, prompt, ("strength", None, b"2")], "strength"),
        (&[image, prompt, ("strength", None, b"much")], "strength"),
        (&[image, prompt, ("n", None, b"11")], "n"),
        (&[image, prompt, prompt], "prompt"),
        (
            &[prompt, ("image", Some("../../etc/passwd"), b"text")],
            "image",
        ),
    ];
    for (parts, param) in cases {
        let (status, body) = send(&router, form(parts)).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            (status.as_u16(), &answer["error"]["param"]),
            (400, &json!(param)),
            "{answer}"
        );
    }
    let (status, _) = send(&router, form(&bomb)).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn every_field_of_openais_api_is_accepted_and_what_means_nothing_is_told() {
    let router = router(Config::default());
    let path = "/v1/images/generations";
    let words = "word ".repeat(6_000);
    for (fields, passed_over) in [
        (json!({"quality": "high"}), "quality"),
        (
            json!({"quality": "hd", "style": "natural"}),
            "style, quality",
        ),
        (json!({"quality": "auto", "moderation": "auto"}), ""),
        (
            json!({"moderation": "low", "user": "somebody"}),
            "moderation",
        ),
        (json!({"background": "opaque", "n": 2}), ""),
        (json!({"output_compression": 100}), "output_compression"),
        (
            json!({"output_compression": 50, "output_format": "jpeg"}),
            "",
        ),
        (
            json!({"output_compression": 50, "output_format": "webp"}),
            "output_compression",
        ),
        (json!({"prompt": words.trim()}), "prompt after 1000 words"),
        (json!({"stream": false, "response_format": "b64_json"}), ""),
    ] {
        let mut asked = json!({"prompt": "a face", "model": "gpt-image-2"});
        let merged = asked.as_object_mut().expect("an object");
        merged.extend(fields.as_object().expect("an object").clone());
        let (status, ignored, answer) = told(&router, path, &asked).await;
        assert_eq!((status, ignored.as_str()), (200, passed_over), "{answer}");
    }
}

#[tokio::test]
async fn pictures_are_whole_in_frames_of_any_shape_and_kind() {
    let router = router(Config::default());
    for (format, kind) in [
        ("png", image::ImageFormat::Png),
        ("jpeg", image::ImageFormat::Jpeg),
        ("webp", image::ImageFormat::WebP),
    ] {
        let asked = json!({"prompt": "a face", "size": "192x128", "output_format": format});
        let (status, answer) = post(&router, "/v1/images/generations", &asked).await;
        assert_eq!((status.as_u16(), &answer["size"]), (200, &json!("192x128")));
        let file = image_of(&answer["data"][0]);
        assert_eq!(image::guess_format(&file).expect("a picture"), kind);
        assert!(read_mark(&file).is_some());
        let image = image::load_from_memory(&file).expect("a picture");
        assert_eq!((image.width(), image.height()), (192, 128));
    }
}

#[tokio::test]
async fn a_photograph_is_changed_inside_its_mask_alone() {
    let router = router(Config::default());
    let photo = png(160, 120);
    let mask = RgbaImage::from_fn(160, 120, |x, _| {
        Rgba([0, 0, 0, if x < 80 { 0 } else { 255 }])
    });
    let mut file = Cursor::new(Vec::new());
    mask.write_to(&mut file, image::ImageFormat::Png)
        .expect("a PNG file");
    let asked = json!({
        "images": [{"image_url": data_url(&photo)}],
        "mask": {"image_url": data_url(&file.into_inner())},
        "prompt": "older", "input_fidelity": "high",
    });
    let (status, answer) = post(&router, "/v1/images/edits", &asked).await;
    assert_eq!(
        (status.as_u16(), &answer["size"]),
        (200, &json!("160x120")),
        "{answer}"
    );
    let edited = image::load_from_memory(&image_of(&answer["data"][0])).expect("a picture");
    let edited = edited.into_rgb8();
    let photo = image::load_from_memory(&photo)
        .expect("a picture")
        .into_rgb8();
    let changed = |columns: std::ops::Range<u32>| {
        let pairs = photo.enumerate_pixels().zip(edited.pixels());
        let inside = pairs.filter(|((x, _, _), _)| columns.contains(x));
        inside.filter(|((_, _, own), new)| own != new).count()
    };
    assert_eq!(changed(82..160), 0);
    assert!(changed(0..80) > 0);

    let mut wrong = asked.clone();
    wrong["mask"] = json!({"image_url": data_url(&png(30, 120))});
    let (status, answer) = post(&router, "/v1/images/edits", &wrong).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["param"]),
        (400, &json!("mask"))
    );
    let mut low = asked.clone();
    low["input_fidelity"] = json!("low");
    let (status, ignored, answer) = told(&router, "/v1/images/edits", &low).await;
    assert_eq!(
        (status, ignored.as_str(), &answer["size"]),
        (200, "mask", &json!("128x128"))
    );
}

#[tokio::test]
async fn edits_take_references_and_give_several_results() {
    let router = router(Config::default());
    let asked = json!({"prompt": "a face", "response_format": "url"});
    let (_, made) = post(&router, "/v1/images/generations", &asked).await;
    let url = made["data"][0]["url"].as_str().expect("a URL");
    let name = url.rsplit('/').next().expect("a name");
    let edit = |images: Value| json!({"images": images, "prompt": "older", "n": 3});
    let (status, ignored, by_url) = told(
        &router,
        "/v1/images/edits",
        &edit(json!([{"image_url": url}, {"file_id": name}])),
    )
    .await;
    assert_eq!(
        (status, ignored.as_str()),
        (200, "images after the first"),
        "{by_url}"
    );
    let (_, by_name) = post(
        &router,
        "/v1/images/edits",
        &edit(json!([{"file_id": name}])),
    )
    .await;
    assert_eq!(by_url["data"], by_name["data"]);
    let results = by_url["data"].as_array().expect("images");
    assert_eq!(results.len(), 3);
    assert_ne!(results[0], results[1]);
    for wrong in [json!([{"file_id": "none"}]), json!([{}]), json!([])] {
        let (status, answer) = post(&router, "/v1/images/edits", &edit(wrong)).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]["param"]),
            (400, &json!("images"))
        );
    }
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
async fn a_picture_that_would_burst_is_refused_by_its_header() {
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
async fn a_chain_of_edits_is_the_same_in_one_step_or_in_many() {
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
async fn what_is_no_request_gets_the_right_status() {
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
async fn a_fault_of_the_studio_costs_one_request() {
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
            "the reason is for the log"
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
        "openapi.json is old: run this test with ANYFACE_BLESS=1"
    );
}
