//! The image endpoints with all requests that OpenAI's API allows.

use std::io::Cursor;

use crate::client::{data_url, image_of, png, post, request, router, send};
use anyface::image::read_mark;
use anyface_server::Config;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use image::{Rgba, RgbaImage};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Sends a request; returns the status, the list of ignored fields, and the body.
async fn send_json(router: &Router, path: &str, body: &Value) -> (u16, String, Value) {
    let response = router.clone().oneshot(request(path, body)).await;
    let response = response.expect("an answer");
    let ignored = response.headers().get("anyface-ignored").cloned();
    let ignored = ignored.map_or_else(String::new, |value| {
        value.to_str().expect("text").to_owned()
    });
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

#[tokio::test]
async fn images_have_the_requested_size_and_format() {
    let router = router(Config::default());
    let asked = json!({
        "prompt": "a face", "size": "256x256", "output_format": "jpeg", "response_format": "url",
    });
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
async fn a_transparent_background_cuts_the_person_out() {
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
        // The painter's faces are no persons, so only the alpha channel is checked.
        assert_eq!(image.color().has_alpha(), answered == "transparent");
    }
}

#[tokio::test]
async fn forms_and_json_give_the_same_edits() {
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
    let asked = json!({
        "images": [{"image_url": data_url(&photo)}],
        "prompt": "older", "strength": -0.5, "keep": ["hair", "glasses"],
    });
    let (status, as_json) = post(&router, "/v1/images/edits", &asked).await;
    assert_eq!(status, 200, "{as_json}");
    assert_eq!(as_form["data"], as_json["data"]);
}

#[tokio::test]
async fn invalid_forms_are_refused() {
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
async fn all_fields_of_openais_api_are_accepted_and_ignored_ones_are_listed() {
    let router = router(Config::default());
    let path = "/v1/images/generations";
    let words = "word ".repeat(6_000);
    for (fields, expected) in [
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
        let (status, ignored, answer) = send_json(&router, path, &asked).await;
        assert_eq!((status, ignored.as_str()), (200, expected), "{answer}");
    }
}

#[tokio::test]
async fn pictures_fit_into_any_size_and_format() {
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
async fn a_photograph_changes_only_inside_its_mask() {
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
    assert_eq!(changed(80..160), 0);
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
    let (status, ignored, answer) = send_json(&router, "/v1/images/edits", &low).await;
    assert_eq!(
        (status, ignored.as_str(), &answer["size"]),
        (200, "mask", &json!("128x128"))
    );
}

#[tokio::test]
async fn edits_accept_references_and_return_several_results() {
    let router = router(Config::default());
    let asked = json!({"prompt": "a face", "response_format": "url"});
    let (_, made) = post(&router, "/v1/images/generations", &asked).await;
    let url = made["data"][0]["url"].as_str().expect("a URL");
    let name = url.rsplit('/').next().expect("a name");
    let edit = |images: Value| json!({"images": images, "prompt": "older", "n": 3});
    let (status, ignored, by_url) = send_json(
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
