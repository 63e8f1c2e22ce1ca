//! Checks that the sizes of a bundle's networks match.

use super::{BundleConfig, MapperKind};

impl BundleConfig {
    /// Checks that each network's output is as wide as the next network's input; the error names
    /// the field and both widths.
    pub(super) fn validate_widths(&self) -> Result<(), String> {
        let found = self.image_tower.embed_dim();
        self.features("image_tower.embed_dim", "gives", found)?;
        for (name, stream) in [
            ("text_stream", &self.text_stream),
            ("image_stream", &self.image_stream),
        ] {
            if let Some(stream) = stream {
                let field = |field: &str| format!("{name}.{field}");
                self.features(&field("feature_dim"), "reads", stream.feature_dim)?;
                self.latent_width(&field("w_dim"), stream.w_dim)?;
                self.latent_layers(&field("num_ws"), stream.num_ws)?;
            }
        }
        if let Some(prior) = &self.flow_prior {
            self.features("flow_prior.feature_dim", "reads", prior.feature_dim)?;
            self.prior_width(prior.latent_dim)?;
        }
        if let Some(prior) = &self.clip2latent {
            self.features("clip2latent.dim", "reads", prior.dim)?;
            self.latent_width("clip2latent.dim", prior.dim)?;
        }
        if let Some(directions) = &self.directions {
            self.features("directions.feature_dim", "reads", directions.feature_dim)?;
            let (found, expected) = (directions.style_width, self.generator.style_width());
            if found != expected {
                return Err(format!(
                    "directions.style_width: the directions have {found} styles, the generator has \
                     {expected}"
                ));
            }
        }
        self.validate_anyface_plus()?;
        if let Some(encoder) = &self.residual_encoder {
            self.latent_width("residual_encoder.w_dim", encoder.w_dim)?;
        }
        if let (Some(encoder), None) = (&self.inversion, &self.residual_encoder) {
            self.latent_width("inversion.w_dim", encoder.w_dim)?;
            self.latent_layers("inversion.num_ws", encoder.num_ws)?;
        }
        Ok(())
    }

    /// Checks the width of the flow prior, which generates `w`, or the standard normals that make
    /// `z`.
    fn prior_width(&self, found: usize) -> Result<(), String> {
        let field = "flow_prior.latent_dim";
        if self.mapper != MapperKind::FlowPriorZ {
            return self.latent_width(field, found);
        }
        let expected = self.z_distribution.normals(self.generator.z_dim);
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{field}: it generates {found} normals, `z` needs {expected}"
            )),
        }
    }

    fn validate_anyface_plus(&self) -> Result<(), String> {
        let (Some(memory), Some(map)) = (&self.memory, &self.image_map) else {
            return Ok(());
        };
        self.features("memory.feature_dim", "reads", memory.feature_dim)?;
        let outputs = memory.rows.len() * memory.feature_dim;
        if map.inputs != outputs {
            return Err(format!(
                "image_map.inputs: it reads {} values, the memory outputs {outputs}",
                map.inputs
            ));
        }
        self.latent_width("image_map.w_dim", map.w_dim)?;
        let width = map.widths.last().copied().unwrap_or_default();
        self.latent_layers("image_map.widths", width / map.w_dim.max(1))
    }

    fn features(&self, field: &str, verb: &str, found: usize) -> Result<(), String> {
        let expected = self.text_tower.embed_dim;
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{field}: it {verb} features of width {found}, the text tower's have width \
                 {expected}"
            )),
        }
    }

    fn latent_width(&self, field: &str, found: usize) -> Result<(), String> {
        let expected = self.generator.w_dim;
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{field}: its latents have {found} entries, the generator's {expected}"
            )),
        }
    }

    fn latent_layers(&self, field: &str, found: usize) -> Result<(), String> {
        let expected = self.generator.num_ws();
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{field}: its latents have {found} layers, the generator's {expected}"
            )),
        }
    }
}
