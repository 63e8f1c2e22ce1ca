//! Downloads from a local server that simulates failures of servers and networks.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use std::io::Write;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

/// How the server answers a request for bytes.
#[derive(Debug, Clone, Copy)]
enum Reply {
    /// Sends all requested bytes.
    Whole,
    /// Sends this number of bytes and closes the connection.
    Drop(usize),
    /// Sends this number of bytes and stalls.
    Stall(usize),
    /// Sends the right number of wrong bytes.
    Wrong,
    /// Ignores the requested range and sends the whole file.
    FromStart,
    /// Answers with this status and no file.
    Status(u16),
}

/// A server with one file. It sends the given replies in order, then correct ones.
struct Server {
    address: String,
    /// Request line, range and token of every request.
    seen: Arc<Mutex<Vec<String>>>,
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn content() -> Vec<u8> {
    let byte = |i: u32| (i.wrapping_mul(i) >> 7) as u8;
    (0..300_000).map(byte).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Server {
    fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(VecDeque::from(replies.to_vec())));
        let log = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, replies) = (log.clone(), replies.clone());
                thread::spawn(move || answer(stream.unwrap(), &log, &replies).ok());
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn hub(&self, home: &TempDir) -> Hub {
        let home = home.path().to_owned();
        let hub = home.join("hub");
        Hub {
            cache: Cache { home, hub },
            endpoint: self.address.clone(),
            token: Some("secret".to_owned()),
            offline: false,
            patience: Duration::from_millis(300),
            pause: Duration::from_millis(1),
        }
    }

    fn model(&self, sha256: Option<&str>) -> Model {
        let mut model = Model::named("yunet").unwrap().clone();
        model.source = ModelSource::Url(format!("{}/files/", self.address));
        model.files[0].sha256 = sha256.map(str::to_owned);
        model
    }
}

fn answer(
    stream: TcpStream,
    log: &Mutex<Vec<String>>,
    replies: &Mutex<VecDeque<Reply>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let mut headers = Vec::new();
    for line in lines {
        match line? {
            line if line.is_empty() => break,
            line => headers.push(line.to_lowercase()),
        }
    }
    let header = |name: &str| headers.iter().find_map(|line| line.strip_prefix(name));
    let range = header("range: bytes=").and_then(|range| range.strip_suffix('-'));
    let range = range.and_then(|range| range.parse::<usize>().ok());
    let token = header("authorization: ").unwrap_or("no token");
    let mut seen = first.trim_end_matches(" HTTP/1.1").to_owned();
    if let Some(start) = range {
        seen += &format!(" from {start}");
    }
    log.lock().unwrap().push(format!("{seen}, {token}"));

    let mut out = stream;
    let content = content();
    if first.contains("/resolve/") {
        return write!(
            out,
            "HTTP/1.1 302 Found\r\nlocation: /cdn/file\r\nx-repo-commit: {COMMIT}\r\nx-linked-etag: \"{}\"\r\n\
             x-linked-size: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            hash(&content),
            content.len()
        );
    }
    let reply = match first.starts_with("HEAD") {
        true => Reply::Whole,
        false => replies.lock().unwrap().pop_front().unwrap_or(Reply::Whole),
    };
    let start = match reply {
        Reply::FromStart => 0,
        Reply::Status(status) => {
            return write!(out, "HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
        }
        _ => range.unwrap_or(0),
    };
    let (status, length) = (if start > 0 { 206 } else { 200 }, content.len() - start);
    write!(
        out,
        "HTTP/1.1 {status} OK\r\netag: \"v1\"\r\ncontent-length: {length}\r\n\
         content-range: bytes {start}-{}/{}\r\nconnection: close\r\n\r\n",
        content.len() - 1,
        content.len()
    )?;
    let body = &content[start..];
    match reply {
        _ if first.starts_with("HEAD") => Ok(()),
        Reply::Drop(count) => out.write_all(&body[..count]),
        Reply::Stall(count) => {
            out.write_all(&body[..count])?;
            out.flush()?;
            thread::sleep(Duration::from_secs(20));
            Ok(())
        }
        Reply::Wrong => out.write_all(&vec![7; length]),
        _ => out.write_all(body),
    }
}

/// All files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Pulls from a server with these `replies`.
fn pull(
    replies: &[Reply],
    sha256: Option<&str>,
) -> (Result<Vec<PathBuf>, HubError>, TempDir, Vec<String>) {
    let server = Server::start(replies);
    let home = tempfile::tempdir().unwrap();
    let pulled = server.hub(&home).pull(&server.model(sha256), &mut |_| ());
    (pulled, home, server.seen())
}

fn assert_whole(pulled: &Result<Vec<PathBuf>, HubError>, home: &TempDir) {
    let path = &pulled.as_ref().unwrap()[0];
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(files(home.path()).len(), 1, "no other file is left");
}

#[test]
fn the_registry_is_well_formed() {
    assert!(Model::all().count() > 20);
    for model in Model::all() {
        assert!(!model.files.is_empty(), "{}", model.name);
        for sha256 in model.files.iter().filter_map(|file| file.sha256.as_ref()) {
            assert!([8, 64].contains(&sha256.len()), "{}", model.name);
            assert_eq!(*sha256, sha256.to_lowercase());
        }
        let is_nvidias = model.license == License::NvidiaNc;
        assert!(model.non_commercial || !is_nvidias, "{}", model.name);
        assert!(!model.license.text().is_empty());
        match &model.source {
            ModelSource::Url(url) => assert!(url.starts_with("https://") && url.ends_with('/')),
            ModelSource::HuggingFace { repo, revisions } => {
                assert!(repo.split('/').count() == 2 && !revisions.is_empty());
            }
        }
    }
    assert!(Model::named("nothing").is_err());
}

#[test]
fn a_file_is_downloaded_completely_and_once() {
    let server = Server::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let (hub, model) = (server.hub(&home), server.model(Some(&hash(&content()))));
    let mut last = None;
    let pulled = hub.pull(&model, &mut |progress| {
        last = Some((progress.done, progress.total));
    });
    assert_whole(&pulled, &home);
    assert_eq!(last, Some((300_000, Some(300_000))));
    let requests = server.seen().len();
    assert_whole(&hub.pull(&model, &mut |_| ()), &home);
    assert_eq!(server.seen().len(), requests);
}

#[test]
fn dropped_connections_are_resumed() {
    let (pulled, home, seen) = pull(&[Reply::Drop(100_000), Reply::Drop(50_000)], None);
    assert_whole(&pulled, &home);
    assert!(seen[2].contains("from 100000"), "{seen:?}");
    assert!(seen[3].contains("from 150000"), "{seen:?}");
}

#[test]
fn another_process_resumes_a_failed_download() {
    let gives_up = [
        Reply::Drop(90_000),
        Reply::Drop(0),
        Reply::Drop(0),
        Reply::Drop(0),
    ];
    let server = Server::start(&gives_up);
    let home = tempfile::tempdir().unwrap();
    let (hub, model) = (server.hub(&home), server.model(None));
    let error = hub.pull(&model, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("at byte 90000"), "{error}");
    assert!(error.contains("resumes from there"), "{error}");
    assert_whole(&hub.pull(&model, &mut |_| ()), &home);
    assert!(server.seen().last().unwrap().contains("from 90000"));
}

#[test]
fn a_silent_server_is_retried() {
    let start = Instant::now();
    let (pulled, home, seen) = pull(&[Reply::Stall(70_000)], None);
    assert_whole(&pulled, &home);
    assert!(seen[2].contains("from 70000"), "{seen:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_server_without_ranges_starts_over() {
    let (pulled, home, _) = pull(&[Reply::Drop(100_000), Reply::FromStart], None);
    assert_whole(&pulled, &home);
}

#[test]
fn wrong_bytes_are_reported_and_deleted() {
    let (pulled, home, _) = pull(&[Reply::Wrong], Some(&hash(&content())));
    let error = pulled.unwrap_err().to_string();
    assert!(error.contains("SHA-256"), "{error}");
    assert!(error.contains(&hash(&content())), "{error}");
    assert!(files(home.path()).is_empty());
}

#[test]
fn a_busy_server_is_retried_and_a_refusal_is_final() {
    let (pulled, home, _) = pull(&[Reply::Status(503), Reply::Status(429)], None);
    assert_whole(&pulled, &home);
    for (status, says) in [(404, "no such file"), (401, "HF_TOKEN"), (410, "410")] {
        let (pulled, _home, seen) = pull(&[Reply::Status(status)], None);
        let error = pulled.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(seen.len(), 2, "{seen:?}");
    }
}

#[test]
fn an_unreachable_server_and_offline_mode_are_reported() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let mut hub = server.hub(&home);
    let mut model = server.model(None);
    model.source = ModelSource::Url("http://127.0.0.1:1/".to_owned());
    let error = hub.pull(&model, &mut |_| ()).unwrap_err().to_string();
    assert!(error.starts_with("http://127.0.0.1:1/yunet"), "{error}");
    assert!(error.contains("cannot be reached"), "{error}");
    hub.offline = true;
    let error = hub.pull(&model, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("HF_HUB_OFFLINE"), "{error}");
    assert!(files(home.path()).is_empty());
}

#[test]
fn the_cache_has_the_layout_of_hugging_faces_library() {
    let server = Server::start(&[Reply::Drop(5)]);
    let home = tempfile::tempdir().unwrap();
    let hub = server.hub(&home);
    let model = Model {
        source: ModelSource::HuggingFace {
            repo: "owner/name".to_owned(),
            revisions: vec!["refs/pr/15".to_owned()],
        },
        files: vec![HubFile {
            path: "folder/model.safetensors".to_owned(),
            sha256: None,
            url: None,
        }],
        ..server.model(None)
    };
    let pulled = hub.pull(&model, &mut |_| ()).unwrap();
    let repo = home.path().join("hub/models--owner--name");
    let snapshot = repo.join("snapshots").join(COMMIT);
    assert_eq!(pulled, [snapshot.join("folder/model.safetensors")]);
    assert_eq!(fs::read(&pulled[0]).unwrap(), content());
    let reference = fs::read_to_string(repo.join("refs/refs/pr/15")).unwrap();
    assert_eq!(reference, COMMIT);
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(&pulled[0]).unwrap(),
        Path::new(&format!("../../../blobs/{}", hash(&content())))
    );
    assert_eq!(hub.cache.find(&model), Some(pulled));

    let seen = server.seen();
    let asked = "HEAD /owner/name/resolve/refs%2Fpr%2F15/folder/model.safetensors";
    assert_eq!(seen[0], format!("{asked}, bearer secret"));
    assert!(
        seen.iter()
            .any(|line| line.starts_with("GET /cdn/file from 5"))
    );
    // A redirect leads to another server, which must not get the token.
    let carries = |line: &&String| line.contains("/cdn/") && line.contains("secret");
    assert_eq!(seen.iter().filter(carries).count(), 0, "{seen:?}");
}

#[test]
fn hugging_faces_etags_are_checked() {
    let server = Server::start(&[Reply::Wrong]);
    let home = tempfile::tempdir().unwrap();
    let model = Model {
        source: ModelSource::HuggingFace {
            repo: "owner/name".to_owned(),
            revisions: vec!["main".to_owned()],
        },
        ..server.model(None)
    };
    let error = server.hub(&home).pull(&model, &mut |_| ()).unwrap_err();
    assert!(matches!(error, HubError::Checksum { .. }), "{error}");
    assert!(files(home.path()).is_empty());
}

#[test]
fn a_file_that_another_process_downloads_is_not_touched() {
    let server = Server::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let (hub, model) = (server.hub(&home), server.model(None));
    let folder = hub.cache.own(&model);
    fs::create_dir_all(&folder).unwrap();
    let version = hash(b"v1");
    let partial = folder.join(format!("{}.{version}.incomplete", model.files[0].path));
    let other = fs::File::create(partial).unwrap();
    other.lock().unwrap();
    let error = hub.pull(&model, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
}
