//! Tables of the measurements, for the terminal.

use anyface_train::eval::{
    Diversity, Faithfulness, Identity, Intensity, Likeness, Manipulation, Retrieval, Words,
};

pub(super) fn faithfulness(report: &Faithfulness) -> String {
    let mut text = format!(
        "accuracy {:.4}, ceiling {:.4}, over {} attributes ({} of CelebA's), {} captions\n\n\
         {:<22}{:>7}{:>8}{:>10}{:>9}\n",
        report.accuracy,
        report.ceiling,
        report.attributes,
        report.celeba_attributes,
        report.samples,
        "attribute",
        "named",
        "denied",
        "accuracy",
        "ceiling"
    );
    for row in &report.table {
        text += &format!(
            "{:<22}{:>7}{:>8}{:>10.3}{:>9.3}\n",
            row.attribute, row.named, row.denied, row.accuracy, row.ceiling
        );
    }
    text
}

pub(super) fn words(report: &Words) -> String {
    let mut text = format!(
        "accuracy {:.4}, {} captions\n\n{:<22}{:>7}{:>10}{:>9}\n",
        report.accuracy, report.samples, report.suite, "facts", "accuracy", "ceiling"
    );
    for row in &report.table {
        text += &format!(
            "{:<22}{:>7}{:>10.3}{:>9.3}\n",
            row.words, row.facts, row.accuracy, row.ceiling
        );
    }
    text
}

pub(super) fn intensity(report: &Intensity) -> String {
    let mut text = format!(
        "rank correlation {:.4}, {} seeds\n\n{:<22}{:>18}\n",
        report.value, report.samples, "attribute", "rank correlation"
    );
    for row in &report.table {
        text += &format!("{:<22}{:>18.3}\n", row.attribute, row.value);
    }
    text
}

pub(super) fn manipulation(report: &Manipulation) -> String {
    let mut text = format!(
        "{} faces; inversion: kept {:.4}, PSNR {:.2} dB, distance {:.3}; one edit {:.0} ms\n\n\
         {:<24}{:>6}{:>9}{:>7}{:>10}{:>10}  {:>10}{:>7}{:>10}\n",
        report.samples,
        report.inversion_kept,
        report.inversion_psnr,
        report.inversion_distance,
        report.milliseconds,
        "edit",
        "faces",
        "changed",
        "kept",
        "identity",
        "monotone",
        "crossover:",
        "kept",
        "identity"
    );
    for row in &report.table {
        let monotone = row.monotone.map_or_else(String::new, |m| format!("{m:.3}"));
        text += &format!(
            "{:<24}{:>6}{:>9.3}{:>7.3}{:>10.3}{:>10}  {:>10.3}{:>7.3}{:>10.3}\n",
            row.edit,
            row.faces,
            row.changed,
            row.kept,
            row.identity,
            monotone,
            row.crossover_changed,
            row.crossover_kept,
            row.crossover_identity
        );
    }
    text += &format!(
        "{:<24}{:>6}{:>9.3}{:>7.3}{:>10.3}{:>10.3}  {:>10.3}{:>7.3}{:>10.3}\n",
        "mean",
        "",
        report.changed,
        report.kept,
        report.identity,
        report.monotone,
        report.crossover_changed,
        report.crossover_kept,
        report.crossover_identity
    );
    text
}

pub(super) fn diversity(report: &Diversity) -> String {
    let mut text = format!(
        "distance {:.3}, renders {:.3}\nentropy {:.3} bits, renders {:.3}\n",
        report.distance, report.reference_distance, report.entropy, report.reference_entropy
    );
    if let Some(lpips) = report.perceptual {
        text += &format!(
            "LPIPS between faces {:.3}, renders {:.3}\n\
             LPIPS to the described face {:.3}, renders {:.3}\n",
            lpips.lpips,
            lpips.reference_lpips,
            lpips.lpips_to_truth,
            lpips.reference_lpips_to_truth
        );
    }
    text
}

pub(super) fn likeness(report: &Likeness) -> String {
    let mut text = format!(
        "{} generated faces and twice {} real ones\n\n{:<24}{:>20}{:>20}{:>8}\n",
        report.samples, report.samples, "distance", "generated", "real halves", "ratio"
    );
    let with_deviation = |value: f64, std: Option<f64>| match std {
        Some(std) => format!("{value:.4} ± {std:.4}"),
        None => format!("{value:.4}"),
    };
    for row in &report.table {
        let ratio = row.ratio.map_or_else(String::new, |x| format!("{x:.2}"));
        text += &format!(
            "{:<24}{:>20}{:>20}{:>8}\n",
            row.measure,
            with_deviation(row.value, row.std),
            with_deviation(row.reference, row.reference_std),
            ratio
        );
    }
    text
}

pub(super) fn retrieval(report: &Retrieval) -> String {
    let row = |name: &str, first: f64, five: f64| format!("{name:<12}{first:>8.3}{five:>12.3}\n");
    let mut text = format!(
        "{} captions, each among 100\n\n{:<12}{:>8}{:>12}\n",
        report.samples, "", "first", "first five"
    );
    text += &row("generated", report.value, report.first_five);
    if let Some((first, five)) = report.reference.zip(report.reference_first_five) {
        text += &row("their faces", first, five);
    }
    if let Some(share) = report.by_labels {
        text += &format!("{:<12}{share:>8.3}\n", "labels");
    }
    text += &row("chance", report.chance, 5.0 * report.chance);
    text
}

pub(super) fn identity(report: &Identity) -> String {
    let mut text = format!(
        "{} faces, each among 100; inversion alone: recognised {:.3}, cosine {:.3}\n\n\
         {:<20}{:>11}{:>8}{:>7}{:>7}{:>11}   {:>13}{:>7}\n",
        report.samples,
        report.reference,
        report.inversion_cosine,
        "edit",
        "recognised",
        "cosine",
        "RFRR",
        "shown",
        "crossover",
        "with details:",
        "shown"
    );
    let mut row = |name: &str, values: [f64; 5], shown: [Option<f64>; 2]| {
        let [recognised, cosine, rfrr, crossover, detailed] = values;
        let [shown, shown_detailed] =
            shown.map(|share| share.map_or_else(String::new, |share| format!("{share:.3}")));
        text += &format!(
            "{name:<20}{recognised:>11.3}{cosine:>8.3}{rfrr:>7.3}{shown:>7}{crossover:>11.3}   \
             {detailed:>13.3}{shown_detailed:>7}\n"
        );
    };
    for edit in &report.table {
        row(
            edit.edit,
            [
                edit.recognised,
                edit.cosine,
                edit.rfrr,
                edit.crossover,
                edit.with_details,
            ],
            [edit.shown, edit.shown_with_details],
        );
    }
    row(
        "mean",
        [
            report.value,
            report.cosine,
            report.rfrr,
            report.crossover,
            report.with_details,
        ],
        [report.shown, report.shown_with_details],
    );
    text
}
