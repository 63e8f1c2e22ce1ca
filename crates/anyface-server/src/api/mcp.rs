//! `POST /mcp`: tools of the Model Context Protocol, for assistants.
//!
//! There are no sessions. Each face in a result has a short name, under which its latent is kept
//! for an hour. A language model can repeat the name, but not the thousands of numbers of a latent.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool, ToolAnnotations,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Original, Work};
use super::body::{self, decode_latent, parse_value, picture};
use super::generations::{self, GenerationRequest};
use super::ignored::Ignored;
use super::output::Wish;
use super::{check, describe};
use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::model::LoadedModel;
use crate::photo::Upload;
use crate::studio::{Edit, FaceSource, LatentValues, Task};

/// File extension of latents.
const LATENT: &str = "latent";

/// Instructions for the language model of a client.
const INSTRUCTIONS: &str = "Generates faces from descriptions, edits them by text, and \
    describes them. Each face has a name, `face`, which is valid for an hour: pass it to `edit` to \
    change that face, and to `describe` to describe it. All faces are AI-generated.";

/// Arguments of the tool `generate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Generate {
    /// Description of the face, in any words.
    prompt: String,
    /// Number of faces. Default: 1.
    n: Option<usize>,
    /// Face i uses seed + i. Default: a random seed, which the result contains.
    seed: Option<u64>,
    /// Width and height of the picture, such as "256x256". Default: the model's resolution.
    size: Option<String>,
    /// Name of the model. Default: the first model.
    model: Option<String>,
}

/// Arguments of the tool `edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The face: a name or a latent from a result of this server, or a picture as a data URL.
    face: String,
    /// Description of the change, in any words.
    prompt: String,
    /// Strength of the edit, −1 (the opposite) to 1. Default: 1.
    strength: Option<f64>,
    /// Descriptions of what must not change.
    #[serde(default)]
    keep: Vec<String>,
    /// Name of the model that made the face. Default: the first model.
    model: Option<String>,
}

/// Arguments of the tool `describe`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Describe {
    /// The face: a name or a latent from a result of this server, or a picture as a data URL.
    face: String,
    /// Name of the model that made the face. Default: the first model.
    model: Option<String>,
}

/// A face in an argument.
enum Face {
    Latent(LatentValues),
    Picture(Bytes),
}

/// Answers a message of the protocol.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(app.config.max_body)
        // `access::same_site` checks the host, for all addresses.
        .disable_allowed_hosts();
    // Read here, because rmcp has no timeout for bodies.
    let headers = request.headers().clone();
    let mut request = Request::new(Body::from(body::bytes(request, &app).await?));
    (*request.method_mut(), *request.headers_mut()) = (Method::POST, headers);
    let tools = Tools { app, caller };
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(tools.clone()), sessions, config);
    Ok(service.handle(request).await.map(Body::new))
}

/// The tools, for one request.
#[derive(Clone)]
struct Tools {
    app: Arc<App>,
    caller: Caller,
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let names: Vec<&str> = self.app.models.own_names().map(|(name, _)| name).collect();
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("anyface", env!("CARGO_PKG_VERSION")))
            .with_instructions(format!("{INSTRUCTIONS} Models: {}.", names.join(", ")))
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![
            tool::<Generate>("generate", "Generates faces from a description."),
            tool::<Change>(
                "edit",
                "Edits a face by a text. The rest of the face stays the same.",
            ),
            tool::<Describe>(
                "describe",
                "Describes a face: a sentence, attributes with confidences, ideas for edits.",
            ),
        ]))
    }

    async fn call_tool(
        &self,
        asked: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(asked.arguments.unwrap_or_default());
        let call = async {
            match &*asked.name {
                "generate" => self.generate(parse_value(arguments)?).await,
                "edit" => self.edit(parse_value(arguments)?).await,
                "describe" => self.describe(parse_value(arguments)?).await,
                _ => Err(ApiError::invalid("name", "there is no such tool")),
            }
        };
        // When the client disconnects, the call is dropped, which cancels its job.
        let answer = context.ct.run_until_cancelled(call).await;
        // An error is a result, so that the language model sees it and can correct its call.
        Ok(match answer.unwrap_or(Err(ApiError::Stopping)) {
            Ok(answer) => answer.into(),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]).into(),
        })
    }
}

impl Tools {
    async fn generate(&self, asked: Generate) -> Result<CallToolResult, ApiError> {
        let asked = GenerationRequest {
            prompt: asked.prompt,
            n: asked.n,
            seed: asked.seed,
            size: asked.size,
            model: asked.model,
            latents: Some(true),
            ..GenerationRequest::default()
        };
        let ignored = &mut Ignored::default();
        let work = generations::start(&self.app, self.caller, asked, ignored)?;
        self.faces(work, false).await
    }

    async fn edit(&self, asked: Change) -> Result<CallToolResult, ApiError> {
        let model = Arc::clone(self.app.models.find(asked.model.as_deref())?);
        check::text("prompt", &asked.prompt)?;
        check::keep(&asked.keep)?;
        let edit = Edit {
            text: check::read_part(asked.prompt, &mut Ignored::default()),
            strength: check::strength("strength", asked.strength)?,
            keep: asked.keep,
        };
        let (source, original) = match self.face(&model, &asked.face)? {
            Face::Latent(latent) => (FaceSource::Latent(latent), Original::default()),
            Face::Picture(file) => {
                check::photos(&model.about)?;
                let side = model.about.resolution;
                let photo = upload(file.clone());
                let retouch = photo.retouch(&self.app, side, None, false).await?;
                let source = FaceSource::Photo(retouch.face());
                let original = Original {
                    retouch: Some(retouch),
                    parent: Some(file),
                };
                (source, original)
            }
        };
        let is_photo = original.retouch.is_some();
        let work = self.start(&model, source, vec![edit], original)?;
        self.faces(work, is_photo).await
    }

    async fn describe(&self, asked: Describe) -> Result<CallToolResult, ApiError> {
        let model = Arc::clone(self.app.models.find(asked.model.as_deref())?);
        let file = match self.face(&model, &asked.face)? {
            Face::Picture(file) => file,
            Face::Latent(latent) => {
                let source = FaceSource::Latent(latent);
                let mut work = self.start(&model, source, Vec::new(), Original::default())?;
                work.next().await?.ok_or(ApiError::Internal)?.file.into()
            }
        };
        let seen = describe::look(&self.app, self.caller, &model, upload(file)).await?;
        Ok(CallToolResult::structured(plain(&seen)?))
    }

    /// Parses a face: a name, a latent or a picture.
    fn face(&self, model: &LoadedModel, text: &str) -> Result<Face, ApiError> {
        if text.starts_with("data:") || text.contains("/files/") {
            return picture(&self.app, text, "face").map(Face::Picture);
        }
        let latent = match self.app.kept.find(text) {
            Some(file) if !text.ends_with(LATENT) => {
                return Ok(Face::Picture(Bytes::copy_from_slice(&file)));
            }
            Some(file) => String::from_utf8_lossy(&file).into_owned(),
            None if text.contains('.') => {
                let message = "no face of the last hour has this name: generate it again";
                return Err(ApiError::invalid("face", message));
            }
            None => text.to_owned(),
        };
        decode_latent(&model.about, &latent, "face").map(Face::Latent)
    }

    /// Queues a face.
    fn start(
        &self,
        model: &LoadedModel,
        source: FaceSource,
        edits: Vec<Edit>,
        original: Original,
    ) -> Result<Work, ApiError> {
        let output = Wish {
            latents: Some(true),
            ..Wish::default()
        }
        .check(&self.app, &mut Ignored::default())?;
        let tasks = vec![Task {
            source,
            edits,
            before: None,
            sketches: 0,
        }];
        let (app, deadline) = (Arc::clone(&self.app), self.app.deadline());
        Work::start(app, model, self.caller, tasks, original, output, deadline)
    }

    /// The result of a call: pictures, and their data as JSON and as text, for clients without
    /// structured content. The name of an edited photo is that of its picture, so that the next
    /// edit keeps the details too.
    async fn faces(&self, mut work: Work, is_photo: bool) -> Result<CallToolResult, ApiError> {
        let (mut content, mut faces) = (Vec::new(), Vec::new());
        while let Some(picture) = work.next().await? {
            let mut extra = picture.extra.ok_or(ApiError::Internal)?;
            let latent = extra.latent.take().ok_or(ApiError::Internal)?;
            let data = BASE64_STANDARD.encode(&picture.file);
            content.push(ContentBlock::image(data, "image/png"));
            let mut fields = plain(&extra)?;
            fields["face"] = json!(match is_photo {
                true => self.app.kept.keep(picture.file, "png"),
                false => self.app.kept.keep(latent.into_bytes(), LATENT),
            });
            faces.push(fields);
        }
        let structured = json!({ "faces": faces });
        content.push(ContentBlock::text(structured.to_string()));
        let mut answer = CallToolResult::success(content);
        answer.structured_content = Some(structured);
        Ok(answer)
    }
}

/// A read-only tool.
fn tool<T: JsonSchema + 'static>(name: &'static str, description: &'static str) -> Tool {
    let read_only = ToolAnnotations::new().read_only(true).open_world(false);
    Tool::new(name, description, schema_for_type::<T>()).with_annotations(read_only)
}

const fn upload(file: Bytes) -> Upload {
    Upload {
        file,
        param: "face",
        face: 0,
    }
}

/// A response as JSON. It is converted through text, so that 32-bit floats have no extra digits.
fn plain(answer: &impl Serialize) -> Result<Value, ApiError> {
    let text = serde_json::to_string(answer).map_err(|_| ApiError::Internal)?;
    serde_json::from_str(&text).map_err(|_| ApiError::Internal)
}
