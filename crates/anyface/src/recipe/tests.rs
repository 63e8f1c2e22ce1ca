//! Recipes with small files in the public containers and layouts (`tools/parity/recipes.py`), from
//! a local server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::Engine;
use crate::bundle::MapperKind;
use crate::hub::{Cache, ModelSource};

/// Files of the server: (name, fixture).
const FILES: [(&str, &str); 9] = [
    ("e4e_ffhq_encode.pt", "recipes/e4e_ffhq_encode.pt"),
    ("ViT-B-32.pt", "recipes/ViT-B-32.pt"),
    ("ViT-L-14-336px.pt", "recipes/ViT-B-32.pt"),
    ("ffhq-sg2-510.ckpt", "recipes/ffhq-sg2-510.ckpt"),
    ("ffhq-sg2-510.yaml", "README.md"),
    (
        "stylegan2-ffhq-256x256.pkl",
        "checkpoints/nvidia_skip_clamp256_p4.pkl",
    ),
    ("ffhq.pkl", "checkpoints/nvidia_skip_clamp256_p4.pkl"),
    ("iteration_42000.pt", "recipes/iteration_42000.pt"),
    ("memory_42000.pt", "recipes/memory_42000.pt"),
];

/// Serves [`FILES`] by the last part of the path.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            let Some((_, file)) = FILES.iter().find(|(served, _)| *served == name) else {
                write!(stream, "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").ok();
                continue;
            };
            let body = fs::read(fixtures.join(file)).unwrap();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\netag: \"{name}\"\r\ncontent-length: {length}\r\nconnection: \
                 close\r\n\r\n"
            )
            .ok();
            if request.starts_with("GET") {
                stream.write_all(&body).ok();
            }
        }
    });
    address
}

fn hub(home: &TempDir) -> Hub {
    let home = home.path().to_owned();
    let hub = home.join("hub");
    Hub {
        cache: Cache { home, hub },
        endpoint: "http://127.0.0.1:1".to_owned(),
        token: None,
        offline: false,
        patience: Duration::from_secs(10),
        pause: Duration::from_millis(1),
    }
}

/// The recipe with every model on the server.
fn served(name: &str, address: &str) -> Recipe {
    let mut recipe = Recipe::named(name).unwrap().clone();
    for model in &mut recipe.models {
        model.source = ModelSource::Url(address.to_owned());
        for file in &mut model.files {
            file.sha256 = None;
            file.url = None;
        }
    }
    recipe
}

/// Pulls a recipe into a folder of its name.
fn pulled(name: &str, home: &TempDir) -> PathBuf {
    let recipe = served(name, &server());
    let files = recipe.pull(&hub(home), &mut |_| ()).unwrap();
    let folder = home.path().join("bundles").join(name);
    recipe.assemble(&files, &folder).unwrap();
    let beside = fs::read_dir(folder.parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1, "no temporary folder is left");
    folder
}

#[test]
fn every_recipe_is_well_formed() {
    let names: Vec<&str> = Recipe::all().map(|recipe| recipe.name.as_str()).collect();
    assert_eq!(names, ["anyface-plus", "ffhq", "ffhq-256", "ffhq-fast"]);
    for recipe in Recipe::all() {
        assert!(
            Model::named(&recipe.name).is_err(),
            "{} is also the name of a model",
            recipe.name
        );
        assert!(recipe.terms().contains("not for commercial use"));
        let mapper = recipe.fields["mapper"].clone();
        serde_json::from_value::<MapperKind>(mapper).unwrap();
    }
}

#[test]
fn ffhq_generates_and_inverts() {
    let home = tempfile::tempdir().unwrap();
    let folder = pulled("ffhq", &home);
    let config = Bundle::folder(&folder).config().unwrap();
    assert_eq!(config.mapper, MapperKind::Clip2latent);
    assert!(config.inverts() && config.license.contains("NVIDIA"));
    let engine = Engine::open(&folder).unwrap();
    let words = engine.describe(&["a smiling woman"]).unwrap();
    let truncation = engine.config().truncation;
    let face = engine.face(&words, 1, truncation);
    let picture = engine.draw(&face.latent);
    assert_eq!(picture.dimensions(), (32, 32));
    engine.invert(&picture, 0);
}

#[test]
fn the_other_recipes_open_with_their_mappers() {
    for (name, mapper, inverts) in [
        ("ffhq-256", MapperKind::Optimization, false),
        ("ffhq-fast", MapperKind::Optimization, true),
        ("anyface-plus", MapperKind::AnyfacePlus, false),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = pulled(name, &home);
        let engine = Engine::open(&folder).unwrap();
        assert_eq!(engine.config().mapper, mapper, "{name}");
        assert_eq!(engine.config().inverts(), inverts, "{name}");
        if mapper == MapperKind::AnyfacePlus {
            let words = engine.describe(&["an old man"]).unwrap();
            let truncation = engine.config().truncation;
            engine.face(&words, 1, truncation);
        }
    }
}

#[test]
fn offline_mode_names_missing_models_and_uses_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let address = server();
    let (recipe, mut hub) = (served("ffhq", &address), hub(&home));
    hub.pull(&recipe.models[0], &mut |_| ()).unwrap();
    hub.offline = true;
    let error = recipe.pull(&hub, &mut |_| ()).unwrap_err().to_string();
    assert!(
        error.contains("lacks clip-vit-b-32, clip2latent,"),
        "{error}"
    );
    assert!(error.contains("HF_HUB_OFFLINE"), "{error}");

    hub.offline = false;
    recipe.pull(&hub, &mut |_| ()).unwrap();
    hub.offline = true;
    assert_eq!(recipe.pull(&hub, &mut |_| ()).unwrap().len(), 3);
}

#[test]
fn networks_that_do_not_fit_leave_no_bundle_behind() {
    let home = tempfile::tempdir().unwrap();
    let mut recipe = served("ffhq", &server());
    // Its latents have 32 entries, the prior's 16.
    recipe
        .models
        .insert(0, served("ffhq-256", &server()).models.remove(0));
    let files = recipe.pull(&hub(&home), &mut |_| ()).unwrap();
    let folder = home.path().join("bundles/ffhq");
    let error = recipe.assemble(&files, &folder).unwrap_err().to_string();
    assert!(error.contains("16") && error.contains("32"), "{error}");
    assert_eq!(
        fs::read_dir(home.path().join("bundles")).unwrap().count(),
        0
    );
}

#[test]
fn a_web_page_in_place_of_a_file_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: \
                 6\r\nconnection: close\r\n\r\n<html>"
            )
            .ok();
        }
    });
    let home = tempfile::tempdir().unwrap();
    let error = served("ffhq", &address)
        .pull(&hub(&home), &mut |_| ())
        .unwrap_err();
    assert!(error.to_string().contains("a web page"), "{error}");
}
