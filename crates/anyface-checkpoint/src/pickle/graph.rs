//! The content of a pickle as a graph of numbered nodes.
//!
//! Nodes are stored in one list, so shared, cyclic and deeply nested objects need no recursion to
//! build or drop.

use std::borrow::Cow;

use crate::file_slice::Fault;

/// Index of a [`Node`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// One Python object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits. Its value is not kept.
    BigInt,
    Float(f64),
    Text(Cow<'a, str>),
    /// Bytes, or a Python 2 string.
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by name only.
    Global {
        module: &'a str,
        name: &'a str,
    },
    /// An object that a class or function would construct. The callee is never called.
    Call(Box<Call>),
    /// A reference to an object outside the pickle.
    Persistent(Id),
}

/// An object that Python would construct by calling `callee` with `args`, then filling it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) callee: Id,
    pub(crate) args: Id,
    /// Argument of `__setstate__`.
    pub(crate) state: Option<Id>,
    /// Arguments of `__setitem__`.
    pub(crate) items: Vec<(Id, Id)>,
    /// Arguments of `append` or `add`.
    pub(crate) elements: Vec<Id>,
}

/// A whole pickle.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    /// Each node with the offset of its opcode.
    nodes: Vec<(Node<'a>, usize)>,
}

impl<'a> Graph<'a> {
    pub(super) fn push(&mut self, node: Node<'a>, offset: usize) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).expect("the number of opcodes is limited"));
        self.nodes.push((node, offset));
        id
    }

    pub(super) fn node_mut(&mut self, id: Id) -> &mut Node<'a> {
        &mut self.nodes[id.0 as usize].0
    }

    pub(crate) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize].0
    }

    /// All nodes, in opcode order.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().map(|(node, _)| node)
    }

    /// A fault at the opcode that created a node.
    pub(crate) fn fault(&self, id: Id, reason: impl Into<String>) -> Fault {
        Fault::new(self.nodes[id.0 as usize].1, reason)
    }

    /// A Python 2 or 3 string.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            Node::Bytes(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes, including those of protocols 0 to 2: `_codecs.encode(text, 'latin1')`.
    pub(crate) fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        match self.node(id) {
            Node::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Node::Call(_) => match self.call(id)? {
                (("_codecs", "encode"), [text, ..]) => {
                    let latin1 = self.text(*text)?.chars().map(u8::try_from);
                    latin1.collect::<Result<Vec<u8>, _>>().ok().map(Cow::Owned)
                }
                (("builtins" | "__builtin__", "bytes"), []) => Some(Cow::Borrowed(&[])),
                _ => None,
            },
            _ => None,
        }
    }

    /// A non-negative integer.
    pub(crate) fn size(&self, id: Id) -> Option<usize> {
        match *self.node(id) {
            Node::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// Module and name of a global.
    pub(crate) fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match *self.node(id) {
            Node::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// The elements of a tuple, a list, or a class derived from them (`torch.Size`).
    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Tuple(elements) | Node::List(elements) => Some(elements),
            Node::Call(_) => match self.call(id)? {
                (("torch", "Size"), [elements]) => self.sequence(*elements),
                _ => None,
            },
            _ => None,
        }
    }

    /// Module and name of the callee, and the arguments.
    pub(crate) fn call(&self, id: Id) -> Option<((&'a str, &'a str), &[Id])> {
        let Node::Call(call) = self.node(id) else {
            return None;
        };
        match self.node(call.args) {
            Node::Tuple(args) => Some((self.global(call.callee)?, args)),
            _ => None,
        }
    }

    /// Keys and values of a dict, or of a derived class that only adds items.
    pub(crate) fn mapping(&self, id: Id) -> Option<Cow<'_, [(Id, Id)]>> {
        match self.node(id) {
            Node::Dict(items) => Some(Cow::Borrowed(items)),
            Node::Call(call) => match self.call(id)? {
                (("collections", "OrderedDict"), args) => {
                    let mut items = match args {
                        [pairs] => self.pairs(*pairs)?,
                        _ => Vec::new(),
                    };
                    items.extend_from_slice(&call.items);
                    Some(Cow::Owned(items))
                }
                (("dnnlib.util" | "dnnlib", "EasyDict") | ("collections", "defaultdict"), _) => {
                    Some(Cow::Borrowed(&call.items))
                }
                (("argparse", "Namespace"), _) => self.mapping_of_state(call.state?),
                // A class derived from dict, in protocols 0 and 1.
                (("copyreg" | "copy_reg", "_reconstructor"), &[_, base, items]) => {
                    let (_, "dict") = self.global(base)? else {
                        return None;
                    };
                    let mut items = self.mapping_of_state(items)?.into_owned();
                    items.extend_from_slice(&call.items);
                    Some(Cow::Owned(items))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The attributes of an object, which Python stores in a plain dict.
    pub(crate) fn mapping_of_state(&self, state: Id) -> Option<Cow<'_, [(Id, Id)]>> {
        match self.node(state) {
            Node::Dict(items) => Some(Cow::Borrowed(items)),
            _ => None,
        }
    }

    /// The value of a string key among keys and values.
    pub(crate) fn get(&self, items: &[(Id, Id)], key: &str) -> Option<Id> {
        let mut values = items.iter().filter(|(k, _)| self.text(*k) == Some(key));
        values.next_back().map(|&(_, value)| value)
    }

    /// `[[key, value], …]`: an `OrderedDict` in Python 2.
    fn pairs(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        let pair = |&pair: &Id| match self.sequence(pair) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        };
        self.sequence(id)?.iter().map(pair).collect()
    }
}
