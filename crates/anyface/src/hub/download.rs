//! Download of one file over HTTP with retries.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::cache::Place;
use super::{Hub, HubError, HubFile};

/// Consecutive attempts without progress before giving up.
const TRIES: u32 = 4;

/// Progress of a download.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Path relative to the source.
    pub file: &'a str,
    /// Bytes received.
    pub done: u64,
    /// Size of the file, if the server sends it.
    pub total: Option<u64>,
}

/// Metadata that a server sends before a file.
#[derive(Debug, Default)]
pub(super) struct Remote {
    url: String,
    pub(super) commit: Option<String>,
    etag: Option<String>,
    size: Option<u64>,
}

impl Remote {
    /// The name of this version of the file: its ETag, which is the SHA-256 for large files on
    /// Hugging Face.
    pub(super) fn blob_name(&self) -> Option<String> {
        let etag = self.etag.as_ref()?;
        match is_hex(etag) {
            true => Some(etag.clone()),
            false => Some(hex(&Sha256::digest(etag))),
        }
    }

    /// The SHA-256 that the server states.
    fn sha256(&self) -> Option<&str> {
        let etag = self.etag.as_deref().filter(|etag| etag.len() == 64);
        // Only Hugging Face's ETags are checksums.
        etag.filter(|etag| self.commit.is_some() && is_hex(etag))
    }
}

/// Why one attempt did not complete the file.
enum Failure {
    /// Another attempt may succeed.
    Transient(String),
    /// No attempt will succeed.
    Final(HubError),
}

/// The HTTP client.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
    pause: Duration,
}

impl Client {
    pub(super) fn new(hub: &Hub) -> Self {
        let patience = Some(hub.patience);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects_will_error(false)
            .timeout_connect(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience)
            .user_agent(concat!("anyface/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            endpoint: hub.endpoint.clone(),
            token: hub.token.clone(),
            pause: hub.pause,
        }
    }

    /// Requests the metadata of `url`. Hugging Face sends it with the redirect to the content.
    pub(super) fn locate(&self, url: &str) -> Result<Remote, HubError> {
        self.retry(
            url,
            || 0,
            || {
                let mut url = url.to_owned();
                for _ in 0..10 {
                    let request = self.agent.head(&url).config().max_redirects(0).build();
                    let request = match self.token_for(&url) {
                        Some(token) => request.header(header::AUTHORIZATION, token),
                        None => request,
                    };
                    let response = request.call().map_err(|e| transient(&e))?;
                    let remote = remote(&url, &response);
                    let location = text(&response, "location");
                    match location.filter(|_| response.status().is_redirection()) {
                        Some(location) if remote.commit.is_none() => url = resolve(&url, &location),
                        Some(_) => return Ok(remote),
                        None => {
                            check(&url, response.status())?;
                            return Ok(remote);
                        }
                    }
                }
                Err(Failure::Transient("too many redirects".to_owned()))
            },
        )
    }

    /// Downloads a file to its place, resumes an earlier attempt, and checks it.
    pub(super) fn fetch(
        &self,
        remote: &Remote,
        file: &HubFile,
        place: &Place,
        show: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        let partial = &place.partial;
        let folder = partial.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(HubError::io(folder))?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut output = options.open(partial).map_err(HubError::io(partial))?;
        if output.try_lock().is_err() {
            return Err(HubError::Busy(partial.clone()));
        }
        if !place.resumable {
            output.set_len(0).map_err(HubError::io(partial))?;
        }
        let mut progress = |done, total| {
            let file = &file.path;
            show(Progress { file, done, total });
        };
        let length = || fs::metadata(partial).map_or(0, |file| file.len());
        self.retry(&remote.url, length, || {
            self.receive(remote, &mut output, partial, &mut progress)
        })?;
        let found = sha256(&mut output).map_err(HubError::io(partial))?;
        for expected in [file.sha256.as_deref(), remote.sha256()]
            .into_iter()
            .flatten()
        {
            if !found.starts_with(expected) {
                fs::remove_file(partial).map_err(HubError::io(partial))?;
                return Err(HubError::Checksum {
                    url: remote.url.clone(),
                    found,
                    expected: expected.to_owned(),
                });
            }
        }
        output.sync_all().map_err(HubError::io(partial))?;
        fs::rename(partial, &place.path).map_err(HubError::io(&place.path))
    }

    /// One attempt: requests the missing bytes and appends them.
    fn receive(
        &self,
        remote: &Remote,
        output: &mut File,
        partial: &Path,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let io = |error| Failure::Final(HubError::io(partial)(error));
        let mut done = output.seek(io::SeekFrom::End(0)).map_err(io)?;
        if done > 0 && remote.size == Some(done) {
            return Ok(());
        }
        let mut request = self.agent.get(&remote.url);
        if let Some(token) = self.token_for(&remote.url) {
            request = request.header(header::AUTHORIZATION, token);
        }
        if done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
        }
        let response = request.call().map_err(|e| transient(&e))?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT
            && text(&response, "content-range")
                .is_some_and(|range| range.starts_with(&format!("bytes {done}-")));
        if !goes_on {
            output.set_len(0).map_err(io)?;
            output.rewind().map_err(io)?;
            done = 0;
            if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Err(Failure::Transient(
                    "the file changed during the download".to_owned(),
                ));
            }
        }
        check(&remote.url, response.status())?;
        check_content(&remote.url, &response)?;
        let length = text(&response, "content-length").and_then(|length| length.parse().ok());
        let total = remote.size.or(length.map(|length: u64| done + length));
        let mut input = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            progress(done, total);
            let count = match input.read(&mut buffer) {
                Ok(count) => count,
                Err(error) => return Err(Failure::Transient(format!("at byte {done}: {error}"))),
            };
            if count == 0 {
                break;
            }
            done += count as u64;
            if total.is_some_and(|total| done > total) {
                output.set_len(0).map_err(io)?;
                let reason = "the server sent more bytes than the file has".to_owned();
                return Err(Failure::Transient(reason));
            }
            output.write_all(&buffer[..count]).map_err(io)?;
        }
        match total {
            Some(total) if done < total => {
                let reason = format!("at byte {done}: the file ended before {total}");
                Err(Failure::Transient(reason))
            }
            _ => Ok(()),
        }
    }

    /// Retries until success or a final failure. An attempt that increased `length` resets the
    /// count.
    fn retry<T>(
        &self,
        url: &str,
        length: impl Fn() -> u64,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, HubError> {
        let (mut tries, mut longest) = (0, length());
        loop {
            let reason = match attempt() {
                Ok(done) => return Ok(done),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Transient(reason)) => reason,
            };
            tries = if length() > longest { 1 } else { tries + 1 };
            longest = longest.max(length());
            if tries == TRIES {
                let url = url.to_owned();
                return Err(match longest {
                    0 => HubError::Unreachable { url, reason },
                    _ => HubError::Broken { url, reason },
                });
            }
            thread::sleep(self.pause * (1 << (tries - 1)));
        }
    }

    fn token_for(&self, url: &str) -> Option<String> {
        let token = self.token.as_ref()?;
        let path = url.strip_prefix(&self.endpoint)?;
        path.starts_with('/').then(|| format!("Bearer {token}"))
    }
}

fn transient(error: &ureq::Error) -> Failure {
    Failure::Transient(error.to_string())
}

/// Whether the status says that the server sends the file.
fn check(url: &str, status: StatusCode) -> Result<(), Failure> {
    let reason = match status.as_u16() {
        200..300 => return Ok(()),
        408 | 429 | 500..600 => {
            return Err(Failure::Transient(format!("the server answers {status}")));
        }
        401 | 403 => "access denied: some files need a token in HF_TOKEN".to_owned(),
        404 => "no such file".to_owned(),
        _ => format!("the server answers {status}"),
    };
    let url = url.to_owned();
    Err(Failure::Final(HubError::Refused { url, reason }))
}

/// Whether the content can be weights. Some servers answer with a web page that needs user input.
fn check_content(url: &str, response: &Response<Body>) -> Result<(), Failure> {
    match text(response, "content-type") {
        Some(kind) if kind.starts_with("text/html") => Err(Failure::Final(HubError::Refused {
            url: url.to_owned(),
            reason: "the server sends a web page, not the file: open the address in a browser"
                .to_owned(),
        })),
        _ => Ok(()),
    }
}

fn remote(url: &str, response: &Response<Body>) -> Remote {
    let etag = text(response, "x-linked-etag").or_else(|| text(response, "etag"));
    let etag = etag.map(|etag| {
        etag.trim_start_matches("W/")
            .trim_matches('"')
            .to_lowercase()
    });
    let size = text(response, "x-linked-size").or_else(|| {
        let is_file = response.status().is_success();
        text(response, "content-length").filter(|_| is_file)
    });
    Remote {
        url: url.to_owned(),
        commit: text(response, "x-repo-commit").filter(|commit| is_hex(commit)),
        etag: etag.filter(|etag| !etag.is_empty()),
        size: size.and_then(|size| size.parse().ok()),
    }
}

fn text(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// Resolves a redirect's address, which may be relative to the server.
fn resolve(url: &str, location: &str) -> String {
    let server_end = url
        .find("://")
        .and_then(|scheme| {
            url[scheme + 3..]
                .find('/')
                .map(|length| scheme + 3 + length)
        })
        .unwrap_or(url.len());
    match location.starts_with('/') {
        true => format!("{}{location}", &url[..server_end]),
        false => location.to_owned(),
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file.
fn sha256(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}
