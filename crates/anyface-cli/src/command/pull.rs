//! `anyface pull`: downloads public weights, and assembles bundles of them.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use anyface::hub::{Hub, Model, Progress};
use anyface::recipe::{Recipe, bundles_folder};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// Fetch public weights, or assemble a bundle of them
///
/// A bundle such as ffhq is assembled in the user's data folder; `--model ffhq` then uses it. Files
/// are stored in the cache of Hugging Face, at the path in HF_HOME. Interrupted downloads are
/// resumed, and checksums are verified. HF_TOKEN gives access to restricted files. HF_HUB_OFFLINE=1
/// forbids downloads.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the weights or of the bundle; `anyface models list` prints all names
    name: String,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        match Recipe::named(&self.name) {
            Some(recipe) => pull_bundle(recipe),
            None => pull_model(Model::named(&self.name)?),
        }
    }
}

fn pull_model(model: &Model) -> Result<()> {
    let hub = Hub::from_env()?;
    if hub.cache.find(model).is_none() && !hub.offline {
        eprintln!("{}", notice(&[model]));
    }
    let mut bars = Bars::default();
    let files = hub.pull(model, &mut |progress| bars.show(progress))?;
    let mut out = std::io::stdout().lock();
    for path in files {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

fn pull_bundle(recipe: &Recipe) -> Result<()> {
    let Some(bundles) = bundles_folder() else {
        bail!("there is no home folder: set XDG_DATA_HOME");
    };
    let folder = bundles.join(&recipe.name);
    if !folder.exists() {
        let hub = Hub::from_env()?;
        let missing = recipe.missing(&hub);
        if !missing.is_empty() && !hub.offline {
            eprintln!("{}", notice(&missing));
        }
        let mut bars = Bars::default();
        let files = recipe.pull(&hub, &mut |progress| bars.show(progress))?;
        eprintln!("assembling {}", recipe.name);
        recipe.assemble(&files, &folder)?;
    }
    writeln!(std::io::stdout().lock(), "{}", folder.display())?;
    eprintln!("anyface generate \"…\" --model {}", recipe.name);
    Ok(())
}

/// The terms of models. The text of each licence appears once.
fn notice(models: &[&Model]) -> String {
    let mut parts = Vec::new();
    for model in models {
        let (name, about, license) = (&model.name, &model.about, model.license.name());
        parts.push(format!("{name}: {about}\nLicence: {license}"));
        if !model.notice.is_empty() {
            parts.push(model.notice.clone());
        }
    }
    if models.iter().any(|model| model.non_commercial) {
        parts.push("NOT FOR COMMERCIAL USE".to_owned());
    }
    let texts: BTreeSet<&str> = models.iter().map(|model| model.license.text()).collect();
    parts.extend(texts.into_iter().map(|text| format!("\n{text}")));
    parts.join("\n")
}

/// One progress bar per file on a terminal, otherwise one line per file.
#[derive(Default)]
struct Bars {
    file: String,
    bar: Option<ProgressBar>,
}

impl Bars {
    fn show(&mut self, progress: Progress<'_>) {
        if self.file != progress.file {
            progress.file.clone_into(&mut self.file);
            self.start(progress);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(progress.done);
            if progress.total == Some(progress.done) {
                bar.finish();
            }
        }
    }

    fn start(&mut self, progress: Progress<'_>) {
        if !std::io::stderr().is_terminal() {
            match progress.total {
                Some(total) => eprintln!("fetching {}, {total} bytes", progress.file),
                None => eprintln!("fetching {}", progress.file),
            }
            return;
        }
        let template = "{prefix} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = match progress.total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        // The part that an earlier run fetched does not count towards the speed.
        let bar = bar.with_style(style).with_position(progress.done);
        bar.reset_eta();
        self.bar = Some(bar.with_prefix(progress.file.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_of_a_bundle_contain_each_licence_once() {
        let recipe = Recipe::named("ffhq").expect("a recipe");
        let models: Vec<&Model> = recipe.models.iter().collect();
        let notice = notice(&models);
        assert_eq!(notice.matches("NOT FOR COMMERCIAL USE").count(), 1);
        for model in models {
            assert_eq!(
                notice.matches(model.license.text()).count(),
                1,
                "{}",
                model.name
            );
            assert!(notice.contains(&model.notice), "{}", model.name);
        }
    }
}
