//! Signatures of the server, and their verification.

use std::sync::Arc;

use crate::client::{data_url, image_of, png, post, router};
use anyface::provenance::Signer;
use anyface_server::Config;
use axum::Router;
use serde_json::{Value, json};

/// A server that signs.
fn signing() -> Router {
    let signer = Signer::self_made().expect("a key");
    router(Config {
        signer: Some(Arc::new(signer)),
        ..Config::default()
    })
}

async fn verify(router: &Router, file: &[u8]) -> Value {
    let asked = json!({"image": data_url(file)});
    let (status, answer) = post(router, "/v1/verify", &asked).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn the_server_verifies_its_own_signatures() {
    let router = signing();
    for format in ["png", "jpeg", "webp"] {
        let asked = json!({"prompt": "an old sailor", "seed": 9, "output_format": format});
        let (_, made) = post(&router, "/v1/images/generations", &asked).await;
        let mut file = image_of(&made["data"][0]);
        let answer = verify(&router, &file).await;
        assert_eq!(answer["verdict"], "marked", "{answer}");
        for fields in [&answer["mark"], &answer["credentials"]] {
            assert_eq!(fields["model"], "painter");
            assert_eq!(fields["prompt"], "an old sailor");
            assert_eq!(fields["seed"], 9);
        }
        // WebP files store the credentials after the pixels, PNG and JPEG files before them.
        let at = match format {
            "webp" => 100,
            _ => file.len() - 20,
        };
        file[at] ^= 1;
        let answer = verify(&router, &file).await;
        assert_eq!(answer["verdict"], "tampered");
        let problems = json!(["assertion.dataHash.mismatch"]);
        assert_eq!(answer["credentials"]["problems"], problems);
    }
    let answer = verify(&router, &png(20, 20)).await;
    let plain = json!({"verdict": "unmarked", "mark": null, "credentials": null});
    assert_eq!(answer, plain);
    let (status, answer) = post(&router, "/v1/verify", &json!({"image": "http://a/b"})).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["param"]),
        (400, &json!("image"))
    );
}

#[tokio::test]
async fn the_credentials_of_an_edit_name_its_photograph() {
    let router = signing();
    let photo = data_url(&png(200, 200));
    let image = json!([{"image_url": photo}]);
    let edits = ["high", "low"].map(|fidelity| {
        let asked = json!({"prompt": "older", "images": image, "input_fidelity": fidelity});
        ("/v1/images/edits", asked)
    });
    let alone = json!({"from": {"image": photo}});
    let put_back = json!({"from": {"image": photo}, "photograph": {"image": photo}});
    let faces = [alone, put_back].map(|asked| ("/v1/faces", asked));
    for (path, asked) in edits.into_iter().chain(faces) {
        let (status, answer) = post(&router, path, &asked).await;
        assert_eq!(status, 200, "{answer}");
        let face = answer.get("data").map_or(&answer, |data| &data[0]);
        let answer = verify(&router, &image_of(face)).await;
        let ingredients = &answer["credentials"]["ingredients"];
        assert_eq!(ingredients[0]["is_parent"], true, "{path} {answer}");
        assert_eq!(ingredients[0]["format"], "image/png");
    }
    let words = json!({"from": {"words": {"prompt": "a face"}}});
    let (_, face) = post(&router, "/v1/faces", &words).await;
    let answer = verify(&router, &image_of(&face)).await;
    assert_eq!(answer["credentials"]["ingredients"], json!([]));
}
