//! The content of an unpickled object: tensors by dotted name, and everything else that JSON can
//! express.

use serde_json::{Map, Value};

use super::Storages;
use crate::contents::{Contents, LeftOut};
use crate::file_slice::Fault;
use crate::numpy;
use crate::pickle::{Call, Graph, Id, Node};

/// The deepest supported nesting of containers and modules.
const MAX_DEPTH: usize = 64;

/// The most bytes of names and values. A shared object counts once per path to it.
const MAX_TEXT: usize = 64 << 20;

/// Walks from `root` through dicts, lists, modules and objects with attributes.
pub(crate) fn contents(
    graph: &Graph<'_>,
    root: Id,
    storages: &Storages<'_>,
) -> Result<Contents, Fault> {
    let mut walk = Walk {
        graph,
        storages,
        contents: Contents::default(),
        depth: 0,
        budget: MAX_TEXT,
    };
    let metadata = walk.visit(root, "")?;
    walk.contents.metadata = metadata.unwrap_or_default();
    Ok(walk.contents)
}

struct Walk<'w, 'a> {
    graph: &'w Graph<'a>,
    storages: &'w Storages<'w>,
    contents: Contents,
    depth: usize,
    budget: usize,
}

impl Walk<'_, '_> {
    /// Collects the tensors at and below a node. Returns the rest of the node, if any.
    fn visit(&mut self, id: Id, name: &str) -> Result<Option<Value>, Fault> {
        self.spend(id, name.len() + size_of::<Value>())?;
        if self.depth == MAX_DEPTH {
            let reason = format!("`{name}`: objects nested deeper than {MAX_DEPTH}");
            return Err(self.graph.fault(id, reason));
        }
        self.depth += 1;
        let value = self.visit_node(id, name);
        self.depth -= 1;
        value
    }

    fn visit_node(&mut self, id: Id, name: &str) -> Result<Option<Value>, Fault> {
        let graph = self.graph;
        if let Some(items) = graph.mapping(id) {
            return self.visit_items(&items, name);
        }
        if let Some(elements) = graph.sequence(id) {
            return self.visit_elements(elements, name);
        }
        let text = |text: &str| Some(Value::from(text));
        Ok(match graph.node(id) {
            Node::None => Some(Value::Null),
            Node::Bool(value) => Some((*value).into()),
            Node::Int(value) => Some((*value).into()),
            Node::Float(value) => Some((*value).into()),
            Node::Text(value) => {
                self.spend(id, value.len())?;
                text(value)
            }
            Node::Bytes(bytes) => {
                self.spend(id, bytes.len())?;
                match str::from_utf8(bytes) {
                    Ok(value) => text(value),
                    Err(_) => self.leave_out(name, "bytes".to_owned()),
                }
            }
            Node::Set(elements) => return self.visit_elements(elements, name),
            Node::Call(call) => return self.visit_call(id, call, name),
            Node::Persistent(description) => match graph.sequence(*description) {
                // Legacy files store the source code beside a pickled module.
                Some(&[tag, module, ..]) if graph.text(tag) == Some("module") => {
                    return self.visit(module, name);
                }
                _ => self.leave_out(name, "a storage that no tensor uses".to_owned()),
            },
            Node::BigInt => self.leave_out(name, "an integer of more than 64 bits".to_owned()),
            Node::Global {
                module,
                name: class,
            } => self.leave_out(name, format!("the name {module}.{class}")),
            Node::Tuple(_) | Node::List(_) | Node::Dict(_) => None,
        })
    }

    fn visit_call(&mut self, id: Id, call: &Call, name: &str) -> Result<Option<Value>, Fault> {
        let graph = self.graph;
        let tensor = match self.storages.tensor(graph, id)? {
            Some(tensor) => Some(tensor),
            None => numpy::pickled_array(graph, id)?,
        };
        if let Some(tensor) = tensor {
            let name = if name.is_empty() { "tensor" } else { name };
            self.contents.tensors.insert(name.to_owned(), tensor);
            return Ok(None);
        }
        if let Some(number) = numpy::pickled_scalar(graph, id) {
            return Ok(Some(number));
        }
        if let Some((class, state)) = persistent_object(graph, id) {
            return self.visit_module(class, state, name);
        }
        let attributes = call.state.and_then(|state| graph.mapping_of_state(state));
        match attributes {
            Some(items) if graph.get(&items, "_parameters").is_some() => {
                let class = graph.global(call.callee).map_or("", |(_, class)| class);
                self.visit_module(class, call.state.unwrap_or(id), name)
            }
            Some(items) => self.visit_items(&items, name),
            None => {
                let what = match graph.global(call.callee) {
                    Some((module, class)) => format!("a call of {module}.{class}, never run"),
                    None => "a call of an unknown function, never run".to_owned(),
                };
                Ok(self.leave_out(name, what))
            }
        }
    }

    /// The parameters, buffers, children and plain attributes of a torch module.
    fn visit_module(&mut self, class: &str, state: Id, name: &str) -> Result<Option<Value>, Fault> {
        let graph = self.graph;
        let Some(attributes) = graph.mapping_of_state(state) else {
            return Err(graph.fault(state, format!("`{name}`: a module has no attributes")));
        };
        let mut values = Map::new();
        values.insert("class".to_owned(), class.into());
        for &(key, value) in attributes.iter() {
            match graph.text(key) {
                Some("_parameters" | "_buffers" | "_modules") => {
                    let items = graph.mapping(value).unwrap_or_default();
                    if let Some(Value::Object(children)) = self.visit_items(&items, name)? {
                        // A parameter may be None, which is not a value.
                        values.extend(children.into_iter().filter(|(_, child)| !child.is_null()));
                    }
                }
                Some(key) if !key.starts_with('_') || key == "_init_kwargs" => {
                    if let Some(value) = self.visit(value, &join(name, key))? {
                        values.insert(key.to_owned(), value);
                    }
                }
                _ => {}
            }
        }
        Ok(Some(values.into()))
    }

    fn visit_items(&mut self, items: &[(Id, Id)], name: &str) -> Result<Option<Value>, Fault> {
        let mut values = Map::new();
        for &(key, value) in items {
            let key = match (self.graph.text(key), self.graph.node(key)) {
                (Some(text), _) => text.to_owned(),
                (None, Node::Int(number)) => number.to_string(),
                _ => {
                    self.leave_out(name, "an item whose key is not a string".to_owned());
                    continue;
                }
            };
            if let Some(value) = self.visit(value, &join(name, &key))? {
                values.insert(key, value);
            }
        }
        Ok((!values.is_empty()).then(|| values.into()))
    }

    fn visit_elements(&mut self, elements: &[Id], name: &str) -> Result<Option<Value>, Fault> {
        let mut values = Vec::new();
        for (index, &element) in elements.iter().enumerate() {
            values.extend(self.visit(element, &join(name, &index.to_string()))?);
        }
        Ok((elements.is_empty() || !values.is_empty()).then(|| values.into()))
    }

    fn leave_out(&mut self, name: &str, reason: String) -> Option<Value> {
        let name = name.to_owned();
        self.contents.left_out.push(LeftOut { name, reason });
        None
    }

    fn spend(&mut self, id: Id, bytes: usize) -> Result<(), Fault> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(self.graph.fault(
                id,
                format!("names and values of more than {MAX_TEXT} bytes"),
            )),
        }
    }
}

/// Class and attributes of a module in an NVIDIA pickle (`torch_utils/persistence.py`). The source
/// code in it is not read.
fn persistent_object<'g>(graph: &'g Graph<'_>, id: Id) -> Option<(&'g str, Id)> {
    let (("torch_utils.persistence", "_reconstruct_persistent_obj"), [meta]) = graph.call(id)?
    else {
        return None;
    };
    let meta = graph.mapping(*meta)?;
    let class = graph.text(graph.get(&meta, "class_name")?)?;
    Some((class, graph.get(&meta, "state")?))
}

fn join(name: &str, key: &str) -> String {
    match name {
        "" => key.to_owned(),
        _ => format!("{name}.{key}"),
    }
}
